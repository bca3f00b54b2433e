import type { InField } from './inputs.js';
import type { Outcome } from './outcomes.js';

/** An action that is there from the start. */
export interface BuiltInAction {
  readonly entity: string;
  readonly action_name: string;
  readonly label: string;
  readonly instance_optional: boolean;
  readonly in_fields: readonly InField[];
  readonly out_fields: readonly Outcome[];
}

const email: InField = {
  name: 'email',
  kind: 'text',
  required: true,
  conformations: ['trim', 'lowercase'],
  validations: { email: true },
};
const notify = (title: string, message: string): Outcome => ({
  type: 'client.notify',
  attributes: { type: 'success', title, message },
});
const redirect = (location: string, delay: number): Outcome => ({
  type: 'client.redirect',
  attributes: { location, delay },
});

/** Their rows, but for the entity's id and the permission. */
export const BUILT_IN_ACTIONS: readonly BuiltInAction[] = [
  {
    entity: 'user_account',
    action_name: 'signup',
    label: 'Sign up',
    instance_optional: true,
    in_fields: [
      {
        name: 'name',
        kind: 'text',
        required: true,
        conformations: ['trim'],
        validations: { minLength: 1, maxLength: 200 },
      },
      email,
      { name: 'password', kind: 'text', required: true, validations: { minLength: 8, maxLength: 256 } },
      { name: 'passwordConfirm', kind: 'text', required: true, validations: { equals: 'password' } },
    ],
    out_fields: [
      {
        type: 'user_account',
        method: 'POST',
        reference: 'user',
        attributes: { name: '~name', email: '~email', password: '~password' },
      },
      notify('Success', 'You have an account: sign in.'),
      redirect('/auth/signin', 2000),
    ],
  },
  {
    entity: 'user_account',
    action_name: 'signin',
    label: 'Sign in',
    instance_optional: true,
    in_fields: [email, { name: 'password', kind: 'text', required: true, validations: { maxLength: 256 } }],
    out_fields: [
      { type: 'token', reference: 'session', attributes: { email: '~email', password: '~password' } },
      { type: 'client.store.set', attributes: { key: 'token', value: '$session.token' } },
      { type: 'client.cookie.set', attributes: { key: 'token', value: '$session.token' } },
      notify('Success', 'Logged in'),
      redirect('/', 2000),
    ],
  },
  {
    entity: 'world',
    action_name: 'become_an_administrator',
    label: 'Become the first administrator',
    instance_optional: true,
    in_fields: [],
    out_fields: [
      { type: 'become_an_administrator' },
      notify('Success', 'You are an administrator now.'),
      redirect('/', 7000),
    ],
  },
  {
    entity: 'world',
    action_name: 'resync',
    label: 'Add the rows that are there to the default groups',
    instance_optional: false,
    in_fields: [],
    out_fields: [
      { type: 'resync', attributes: { world_id: '~world_id' } },
      notify('Success', 'The default groups are those of every row.'),
    ],
  },
];
