import type { ActionHandler } from '../application/actions.js';
import { confirmPassword } from '../identity/index.js';
import { Type } from '../input/json-schema.js';
import { preparePassword, principalKind } from './accounts.js';

/**
 * The action by which principals change their own password: the present one is asked for, and their other sessions end.
 * The resource type has to have `changePassword`, its rules say who may, and the new password is judged as any other.
 * @param type the resource type whose records are the principals
 * @throws Problem `invalid_credentials`, `account_locked`, `weak_password`
 */
export function changePasswordAction(type: string): ActionHandler {
  return {
    type,
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
      const field = principalKind(context, type)?.login?.password ?? '';
      const given = { [field]: String(input.newPassword) };
      const hash = await preparePassword(context, type, given, handle.record.values);
      if (hash === null) throw new TypeError(`${type} has no password: give its kind a log-in`);
      await change({}, hash);
      return null;
    },
  };
}
