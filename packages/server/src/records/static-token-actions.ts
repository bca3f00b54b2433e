import type { ActionCall, ActionHandler } from '../application/actions.js';
import { revokeStaticToken, rotateStaticToken } from '../identity/index.js';
import { Type } from '../input/json-schema.js';
import { principalKind, who } from './accounts.js';

const nothing = Type.Object({}, { additionalProperties: false });

/**
 * The two actions by which the static tokens of a kind of principal are made and ended: `rotateToken` answers the new one,
 * this once, and `revokeToken` ends the present one. The resource type has to have both, and its rules say who may.
 * @param type the resource type whose records are the principals
 */
export function staticTokenActions(type: string): readonly ActionHandler[] {
  return [
    {
      type,
      action: 'rotateToken',
      says: 'Make a static token, which is shown this once; the one before is refused from the next request on',
      input: nothing,
      run: async (call) => {
        const token = await rotateStaticToken(
          call.transaction,
          call.context.runtime,
          accountOf(call),
          who(call.caller),
        );
        return { token };
      },
    },
    {
      type,
      action: 'revokeToken',
      says: 'Revoke the static token, from the next request on',
      input: nothing,
      run: async (call) => {
        await revokeStaticToken(call.transaction, call.context.runtime, accountOf(call), who(call.caller));
        return null;
      },
    },
  ];
}

function accountOf({ context, handle }: ActionCall) {
  const { kind } = principalKind(context, handle.type) ?? {};
  if (kind === undefined) throw new TypeError(`${handle.type} is no kind of principal`);
  return { application: context.policy.model.name, kind, principalId: handle.record.id };
}
