import {
  type ActionHandler,
  confirmPassword,
  hashPassword,
  passwordProblem,
  staticTokenActions,
  Type,
} from '@ostiary/server';

const changePassword: ActionHandler = {
  type: 'User',
  action: 'changePassword',
  says: 'Change your own password; your other sessions end',
  input: Type.Object(
    { currentPassword: Type.String({ maxLength: 256 }), newPassword: Type.String({ minLength: 8, maxLength: 256 }) },
    { additionalProperties: false },
  ),
  before: async ({ context, caller, input }) => {
    const { principal, requestId } = caller;
    if (principal === null) return;
    const account = { application: context.policy.model.name, kind: principal.kind, principalId: principal.id };
    await confirmPassword(context.identity, account, String(input.currentPassword), requestId ?? undefined);
  },
  run: async ({ context, handle, input, change }) => {
    const { values } = handle.record;
    const password = String(input.newPassword);
    const problem = passwordProblem(password, {
      login: String(values.username),
      names: [context.policy.model.title, String(values.firstName), String(values.lastName)],
    });
    if (problem) throw problem;
    await change({}, await hashPassword(password));
    return null;
  },
};

/** Static tokens are made for whoever can't log in, or need not. */
const tokens = ['Participant', 'Device', 'Service'].flatMap(staticTokenActions);

export const actions: readonly ActionHandler[] = [changePassword, ...tokens];
