import { type Command, type CommandAnswer, type CommandCall, type CommandCookie, Problem, Type } from '@ostiary/server';
import { requireId, runOnRow } from './data.js';
import { type Definition, definitionOf } from './definition.js';
import { faultsOf } from './faults.js';
import { becomeAdministrator, resync } from './groups.js';
import { readInputs } from './inputs.js';
import type { Outcome } from './outcomes.js';
import { filledObject, type Known, type Values } from './templates.js';

const closed = { additionalProperties: false };
const word = Type.String({ pattern: '^[a-z][a-z0-9_]{0,99}$', description: 'Small letters, digits and _.' });

/** Executes an action of an entity: what its row says. */
export const executeAction: Command = {
  name: 'executeAction',
  path: '/action/:entity/:name',
  says: 'Execute an action of an entity, or of a row of it, which is named in the attributes by <entity>_id',
  decision: { action: 'execute', type: 'action' },
  params: Type.Object({ entity: word, name: word }),
  input: Type.Object({ attributes: Type.Optional(Type.Object({})) }, closed),
  answer: Type.Array(Type.Object({ ResponseType: Type.String(), Attributes: Type.Object({}) })),
  run: async (call) => {
    const attributes = (call.input.attributes ?? {}) as Values;
    const definition = await permitted(call, attributes);
    const about = `${definition.entity}_id`;
    const inputs = new Map(readInputs(definition.inFields, attributes, [about]));
    if (attributes[about] !== undefined) inputs.set(about, attributes[about]);
    const rows = definition.outFields.filter(isWrite);
    // To hash a password costs as much as to try one.
    if (rows.some(({ attributes = {} }) => 'password' in attributes)) await call.countAttempt();
    const results = rows.length > 0 ? await runRows(call, definition, inputs) : new Map<number, Values>();
    await makeTokens(call, definition, inputs, results);
    return answerOf(definition, knownTo(definition, inputs, results), results);
  },
};

/** Whether it is done in the transaction. */
function isWrite({ type, method }: Outcome): boolean {
  return method !== undefined || type === 'become_an_administrator' || type === 'resync';
}

/**
 * The action, if the caller may execute: on the entity, the action itself, and the row that it is to be about.
 * @throws Refusal; Problem `not_found` for those who may know that there is none
 */
async function permitted(call: CommandCall, attributes: Values): Promise<Definition> {
  const { context, params, find, authorize, requirePossible } = call;
  const { entity = '', name = '' } = params;
  if (Object.hasOwn(context.policy.model.resources, entity)) requirePossible('execute', entity);
  const [world] = await find('world', { table_name: entity });
  const [row] = world === undefined ? [] : await find('action', { action_name: name, world_id: world.id });
  const { record } = await authorize('execute', 'action', row?.values.enabled === true ? row.id : null);
  const definition = definitionOf(entity, record.values);
  const about = attributes[`${entity}_id`];
  if (about !== undefined) await authorize('execute', entity, requireId(about, `${entity}_id`));
  else if (definition.needsRow) {
    throw new Problem('invalid_input', { errors: [{ pointer: `/attributes/${entity}_id`, message: 'is missing' }] });
  }
  // An entity may have changed since.
  const [fault] = faultsOf(context, definition);
  if (fault === undefined) return definition;
  throw new Problem('conflict', {
    detail: `The action does not fit its entities any more: ${fault.pointer} ${fault.message}.`,
  });
}

/** What outcomes gave, by their place: all of them, or nothing is written. */
function runRows(call: CommandCall, definition: Definition, inputs: Known['inputs']): Promise<Map<number, Values>> {
  const { context, caller } = call;
  return call.inTransaction(async (hands) => {
    const results = new Map<number, Values>();
    for (const [index, outcome] of definition.outFields.entries()) {
      if (!isWrite(outcome)) continue;
      const values = filledObject(outcome.attributes ?? {}, knownTo(definition, inputs, results));
      if (outcome.type === 'become_an_administrator' && outcome.method === undefined) {
        await becomeAdministrator(caller, hands);
      } else if (outcome.type === 'resync' && outcome.method === undefined) {
        await resync(context, hands, values.world_id);
      } else results.set(index, await runOnRow({ context, caller, hands }, outcome, values));
    }
    return results;
  });
}

/** Tokens are made when all is written: a session is nothing that can be taken back with a transaction. */
async function makeTokens(
  call: CommandCall,
  definition: Definition,
  inputs: Known['inputs'],
  results: Map<number, Values>,
): Promise<void> {
  for (const [index, outcome] of definition.outFields.entries()) {
    if (outcome.type !== 'token' || outcome.method !== undefined) continue;
    const values = filledObject(outcome.attributes ?? {}, knownTo(definition, inputs, results));
    const { accessToken } = await tokenFor(call, outcome, values);
    results.set(index, { token: accessToken });
  }
}

function tokenFor(
  { caller, requirePossible, logIn, issue }: CommandCall,
  { attributes = {} }: Outcome,
  values: Values,
) {
  if ('password' in attributes) {
    // Signing in is looking for an account: whoever may not peek at accounts may not do that.
    requirePossible('list', 'user_account');
    return logIn('user', String(values.email ?? ''), String(values.password ?? ''));
  }
  if ('user_account_id' in attributes) return issue('user', requireId(values.user_account_id, 'user_account_id'));
  if (caller.principal?.kind !== 'user') throw new Problem('not_authenticated', { detail: 'Sign in first.' });
  return issue('user', caller.principal.id);
}

/** What later outcomes know. */
function knownTo({ outFields }: Definition, inputs: Known['inputs'], results: ReadonlyMap<number, Values>): Known {
  const named = [...results].flatMap(([index, values]) => {
    const reference = outFields[index]?.reference;
    return reference === undefined ? [] : [[reference, values] as const];
  });
  return { inputs, results: new Map(named) };
}

/** What the client is told, and the rows as the caller may see them, in the order of the outcomes. */
function answerOf({ outFields }: Definition, known: Known, results: ReadonlyMap<number, Values>): CommandAnswer {
  const cookies: CommandCookie[] = [];
  const body = outFields.flatMap(({ type, method, attributes = {}, as }, index) => {
    if (method !== undefined) {
      return as === 'action' ? [] : [{ ResponseType: type, Attributes: results.get(index) ?? {} }];
    }
    if (!type.startsWith('client.')) return [];
    const told = filledObject(attributes, known);
    if (type === 'client.cookie.set')
      cookies.push({ name: String(told.key), value: encodeURIComponent(String(told.value)) });
    return [{ ResponseType: type, Attributes: told }];
  });
  return { body, cookies };
}
