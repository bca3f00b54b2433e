import { all, boolean, choice, equal, model, policy, present, resource, rules, text } from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type ProviderSettings } from '@ostiary/server';

/** A small application whose users sign in with accounts elsewhere. */
export const clinicModel = model({
  name: 'clinic',
  title: 'Clinic',
  principals: { user: 'User' },
  resources: {
    User: resource({
      fields: {
        login: text({ unique: true, minLength: 1, maxLength: 254 }),
        password: text({ secret: true, minLength: 8 }),
        email: text({ optional: true }),
        name: text({ optional: true }),
        level: choice(['none', 'nurse', 'head'], { default: 'none' }),
        disabled: boolean({ default: false }),
      },
    }),
  },
});

const clinicPolicy = policy(clinicModel, [
  rules(clinicModel, 'User', ({ it, me, allow }) => [
    allow('head', {
      says: 'Heads do everything.',
      source: 'tests',
      actions: 'every',
      when: equal(me.user.level, 'head'),
    }),
    allow('self', {
      says: 'Everyone reads themselves.',
      source: 'tests',
      actions: ['read'],
      when: all(present(it.id), equal(it.id, me.user.id)),
    }),
  ]),
]);

/** Providers that are records of the application: each test says which there are. */
export const connections: Record<string, ProviderSettings> = {};

export const clinic: Application = {
  policy: clinicPolicy,
  logins: { user: { login: 'login', password: 'password', disabled: 'disabled', path: '/auth/login' } },
  administrator: { kind: 'user', values: { level: 'head' } },
  signOn: {
    kind: 'user',
    email: 'email',
    newAccounts: {
      values: ({ email, name }) => ({ login: email, email, ...(name === 'Boss' ? { level: 'head' } : {}) }),
    },
    connections: async () => connections,
  },
  demo: {
    accounts: [{ login: 'ada', says: 'a nurse' }],
    async load(seed) {
      const users = [
        ['head', 'head@clinic.example', 'head', false],
        ['ada', 'Ada@Clinic.example', 'nurse', false],
        ['bob', 'bob@clinic.example', 'nurse', false],
        ['left', 'left@clinic.example', 'nurse', true],
        ['twin1', 'twins@clinic.example', 'nurse', false],
        ['twin2', 'Twins@clinic.example', 'nurse', false],
      ] as const;
      for (const [login, email, level, disabled] of users) {
        await seed.create('User', { login, email, level, disabled, password: DEMO_PASSWORD });
      }
    },
  },
};
