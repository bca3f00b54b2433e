import { type ActionCall, type ActionHandler, Problem, Type } from '@ostiary/server';
import { requireStatus, tell } from './session.js';

const nothing = Type.Object({}, { additionalProperties: false });

/** How long a session has been in progress since it was started or resumed, in whole seconds. */
function elapsed({ context, handle }: ActionCall): number {
  const { runningSince } = handle.record.values;
  if (typeof runningSince !== 'string') return 0;
  return Math.max(0, Math.floor((context.runtime.now().getTime() - Date.parse(runningSince)) / 1000));
}

const start: ActionHandler = {
  type: 'Session',
  action: 'start',
  says: 'Start a session that was not started',
  input: nothing,
  run: async (call) => {
    requireStatus(call, 'started', ['not_started']);
    const now = call.context.runtime.now().toISOString();
    await call.change({ status: 'in_progress', startAt: now, runningSince: now });
    await tell(call, 'start');
    return { status: 'in_progress', startAt: now };
  },
};

const stop: ActionHandler = {
  type: 'Session',
  action: 'stop',
  says: 'Stop a session that is in progress; the time that it took is added to its duration',
  input: nothing,
  run: async (call) => {
    requireStatus(call, 'stopped', ['in_progress']);
    const duration = Number(call.handle.record.values.duration) + elapsed(call);
    if (duration > 2 ** 31 - 1)
      throw new Problem('conflict', { detail: 'The session would be longer than can be kept.' });
    await call.change({ status: 'completed', duration, runningSince: null });
    await tell(call, 'stop');
    return { status: 'completed', duration };
  },
};

const resume: ActionHandler = {
  type: 'Session',
  action: 'resume',
  says: 'Resume a session that was stopped',
  input: nothing,
  run: async (call) => {
    requireStatus(call, 'resumed', ['completed']);
    await call.change({ status: 'in_progress', runningSince: call.context.runtime.now().toISOString() });
    await tell(call, 'resume');
    return { status: 'in_progress' };
  },
};

/** How a session begins, ends, and goes on. */
export const progress: readonly ActionHandler[] = [start, stop, resume];
