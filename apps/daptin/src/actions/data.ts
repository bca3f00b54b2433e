import { resourceOf } from '@ostiary/policy';
import {
  type Caller,
  type CommandHands,
  type Context,
  Problem,
  preparePassword,
  requireValid,
  requireValidChanges,
} from '@ostiary/server';
import type { Outcome } from './outcomes.js';
import type { Values } from './templates.js';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id that an outcome is about. @throws Problem `invalid_input` */
export function requireId(value: unknown, name: string): string {
  if (typeof value === 'string' && ID.test(value)) return value;
  throw new Problem('invalid_input', {
    errors: [{ pointer: `/attributes/${name}`, message: 'must be the id of a row' }],
  });
}

interface Ran {
  readonly context: Context;
  readonly caller: Caller;
  readonly hands: CommandHands;
}

/**
 * Does what an outcome does with a row, and gives it as who does that sees it: in the caller's name, unless it is the
 * action's own.
 * @throws Refusal, Problem
 */
export async function runOnRow(ran: Ran, { type, method, as }: Outcome, { id, ...values }: Values): Promise<Values> {
  const { hands } = ran;
  if (as === 'action') return runAsAction(ran, type, method, id, values);
  if (method === 'POST') return hands.create(type, values);
  const about = requireId(id, 'id');
  if (method === 'PATCH') return hands.change(type, about, values);
  if (method === 'GET_BY_ID') return hands.read(type, about);
  const kept = await hands.remove(type, about);
  return kept === null ? { id: about } : { id: about, kept };
}

async function runAsAction(
  { context, caller, hands: { system } }: Ran,
  type: string,
  method: Outcome['method'],
  id: unknown,
  values: Values,
): Promise<Values> {
  if (method === 'POST') {
    requireValid(context, type, values);
    await preparePassword(context, type, values, values);
    return shown(await system.load(type, await system.create(type, { ...values, ...madeBy(context, caller, type) })));
  }
  const about = requireId(id, 'id');
  if (method === 'PATCH') {
    requireValidChanges(context, type, values);
    await system.update(type, about, values);
  }
  if (method !== 'DELETE') return shown(await system.load(type, about));
  await system.delete(type, about);
  return { id: about };
}

/** What the server fills in: a row that an action makes for somebody is theirs. */
function madeBy({ policy: { model } }: Context, { principal }: Caller, type: string): Values {
  if (principal === null || principal.id === '') return {};
  const filled = Object.entries(resourceOf(model, type).fields).filter(
    ([, { filled, to }]) => filled === 'principal' && to === model.principals[principal.kind],
  );
  return Object.fromEntries(filled.map(([name]) => [name, principal.id]));
}

function shown(record: Awaited<ReturnType<CommandHands['system']['load']>>): Values {
  if (record === null)
    throw new Problem('reference_not_found', { detail: 'A row that the action is about is not there.' });
  return { ...record.values, id: record.id, version: record.version };
}
