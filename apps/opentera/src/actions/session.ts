import { type ActionCall, Problem } from '@ostiary/server';

/** Who or what can be in a session: the record that says so, and by which field. */
export const KINDS = {
  user: { link: 'SessionUser', type: 'User', field: 'userId', list: 'userIds' },
  participant: { link: 'SessionParticipant', type: 'Participant', field: 'participantId', list: 'participantIds' },
  device: { link: 'SessionDevice', type: 'Device', field: 'deviceId', list: 'deviceIds' },
} as const;

export type Kind = keyof typeof KINDS;

/** Somebody who is, or is to be, in a session. */
export interface Guest {
  readonly kind: Kind;
  readonly id: string;
}

const WORDS: Readonly<Record<string, string>> = {
  not_started: 'was not started yet',
  in_progress: 'is in progress',
  completed: 'was stopped',
  cancelled: 'was cancelled',
  terminated: 'was ended for good',
};

/**
 * @param becomes what the action makes of the session, in words
 * @throws Problem `conflict` in any other status than these
 */
export function requireStatus({ handle }: ActionCall, becomes: string, statuses: readonly string[]): void {
  const status = String(handle.record.values.status);
  if (statuses.includes(status)) return;
  throw new Problem('conflict', { detail: `A session that ${WORDS[status] ?? `is ${status}`} can't be ${becomes}.` });
}

/**
 * Writes into the session's own history what happened, and who it happened to; and tells those who are online and may
 * read the session: `session.invite`, with whom.
 */
export async function tell({ context, handle, system, emit }: ActionCall, type: string, guest?: Guest): Promise<void> {
  const at = context.runtime.now().toISOString();
  const text = guest === undefined ? null : `${guest.kind} ${guest.id}`;
  await system.create('SessionEvent', { sessionId: handle.record.id, type, at, text });
  const about = { type: 'Session', id: handle.record.id };
  await emit({
    event: `session.${type}`,
    about,
    detail: guest === undefined ? {} : { kind: guest.kind, id: guest.id },
  });
}
