import { type ActionCall, type ActionHandler, Problem, Type } from '@ostiary/server';
import { type Guest, KINDS, type Kind, requireStatus, tell } from './session.js';

/** So many can be invited or removed at once. */
const MOST = 100;
const ids = Type.Optional(
  Type.Array(Type.String({ format: 'uuid' }), { minItems: 1, maxItems: MOST, uniqueItems: true }),
);
const guests = Type.Object(
  { userIds: ids, participantIds: ids, deviceIds: ids },
  { additionalProperties: false, minProperties: 1 },
);

/** Whether somebody is in a session: invited, and there if they joined. Who left or declined is not any more. */
const PRESENT = ['invited', 'joined'];

/** The record that somebody is, or was, in a session. */
interface Place {
  readonly id: string;
  readonly standing: string;
}

function guestsOf(input: ActionCall['input']): readonly Guest[] {
  return (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
    ((input[KINDS[kind].list] ?? []) as readonly string[]).map((id) => ({ kind, id: id.toLowerCase() })),
  );
}

async function placeOf({ handle, system }: ActionCall, { kind, id }: Guest): Promise<Place | null> {
  const { link, field } = KINDS[kind];
  const [found] = await system.find(link, { sessionId: handle.record.id, [field]: id });
  return found === undefined ? null : { id: found.id, standing: String(found.values.standing) };
}

/** Who is in the session already stays as they are. */
async function invite(call: ActionCall, guest: Guest): Promise<void> {
  const { handle, system } = call;
  const { link, type, field } = KINDS[guest.kind];
  await call.authorize('read', type, guest.id);
  const place = await placeOf(call, guest);
  if (place !== null && PRESENT.includes(place.standing)) return;
  if (place === null) await system.create(link, { sessionId: handle.record.id, [field]: guest.id });
  else await system.update(link, place.id, { standing: 'invited' });
  await tell(call, 'invite', guest);
}

/** Who is removed stays in the session's record, as somebody who was in it. */
async function remove(call: ActionCall, guest: Guest): Promise<void> {
  const place = await placeOf(call, guest);
  if (place === null || !PRESENT.includes(place.standing)) {
    throw new Problem('conflict', { detail: `The ${guest.kind} ${guest.id} is not in this session.` });
  }
  await call.system.update(KINDS[guest.kind].link, place.id, { standing: 'left' });
  await tell(call, 'leave', guest);
}

const OPEN = ['not_started', 'in_progress'];

const inviting: ActionHandler = {
  type: 'Session',
  action: 'invite',
  says: 'Invite users, participants and devices, all of them or none; who is in the session already stays',
  input: guests,
  run: async (call) => {
    requireStatus(call, 'joined', OPEN);
    for (const guest of guestsOf(call.input)) await invite(call, guest);
    return null;
  },
};

const removing: ActionHandler = {
  type: 'Session',
  action: 'remove',
  says: 'Remove users, participants and devices from a session; its record keeps that they were in it',
  input: guests,
  run: async (call) => {
    requireStatus(call, 'left', OPEN);
    for (const guest of guestsOf(call.input)) await remove(call, guest);
    return null;
  },
};

const replying: ActionHandler = {
  type: 'Session',
  action: 'reply',
  says: 'Say whether you come to a session that you were invited to',
  input: Type.Object({ answer: Type.Enum(['accepted', 'declined']) }, { additionalProperties: false }),
  run: async (call) => {
    const { caller, input, system } = call;
    requireStatus(call, 'joined', OPEN);
    const guest: Guest = { kind: 'user', id: caller.principal?.id ?? '' };
    const place = await placeOf(call, guest);
    if (place?.standing !== 'invited') {
      const why = place === null ? 'You were not invited to this session.' : `You have ${place.standing} already.`;
      throw new Problem('conflict', { detail: why });
    }
    const [standing, event] = input.answer === 'accepted' ? ['joined', 'join'] : ['declined', 'decline'];
    await system.update(KINDS.user.link, place.id, { standing });
    await tell(call, event, guest);
    return { standing };
  },
};

/** Who is asked into a session, who leaves it, and what they say to it. */
export const invitations: readonly ActionHandler[] = [inviting, removing, replying];
