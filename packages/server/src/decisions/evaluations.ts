import { auditRefusal, Refusal } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { hasRows } from '../storage/model-tables.js';
import { type Answer, evaluate } from './evaluate.js';
import { Lookup } from './lookup.js';
import { kindNamed, typeNamed, UnknownName } from './names.js';
import { inWords, type Question, readQuestion } from './question.js';

/** Which answers end a batch (AuthZEN 1.0 §7.1.2.1). */
export const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
export type Semantic = (typeof SEMANTICS)[number];

type Members = Readonly<Record<string, unknown>>;

/** Several questions, with what those that leave something out have in common (§7.1). */
export interface Questions extends Partial<Readonly<Record<(typeof ENTITIES)[number], Members>>> {
  readonly evaluations: readonly unknown[];
  readonly options?: { readonly evaluations_semantic?: Semantic };
}

const ENTITIES = ['subject', 'action', 'resource', 'context'] as const;

/** So many questions are looked up at once: their records, which may be large, are in memory together. */
const AT_ONCE = 100;

/**
 * Answers several questions in their order. One that can't be answered is answered in its place, by a no that says why,
 * and does not spoil the others.
 */
export async function evaluateAll(context: Context, asker: Asker, asked: Questions): Promise<readonly Answer[]> {
  const semantic = asked.options?.evaluations_semantic ?? 'execute_all';
  const last = { execute_all: null, deny_on_first_deny: false, permit_on_first_permit: true }[semantic];
  const lookup = new Lookup(context);
  const answers: Answer[] = [];
  const refusals: Refusal[] = [];
  let ended = false;
  for (let start = 0; start < asked.evaluations.length && !ended; start += AT_ONCE) {
    const items = asked.evaluations.slice(start, start + AT_ONCE).map((item) => readItem(asked, item));
    lookup.forgetRecords();
    await lookAhead(lookup, items);
    for (const item of items) {
      const answer = await answerTo(context, asker, item, lookup, refusals);
      answers.push(answer);
      ended = answer.decision === last;
      if (ended) break;
    }
  }
  await auditRefusals(context, refusals);
  return answers;
}

async function answerTo(
  context: Context,
  asker: Asker,
  item: Question | Problem,
  lookup: Lookup,
  refusals: Refusal[],
): Promise<Answer> {
  try {
    if (item instanceof Problem) throw item;
    return await evaluate(context, asker, item, lookup);
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    if (error instanceof Refusal) refusals.push(error);
    return { decision: false, context: { error: { status: error.status, message: inWords(error) } } };
  }
}

/** One item with the defaults in place of what it leaves out; or what is wrong with it. */
function readItem(defaults: Questions, item: unknown): Question | Problem {
  try {
    return readQuestion(isObject(item) ? withDefaults(defaults, item) : item);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/**
 * An item's entity takes the place of the whole default (§7.1.1). From that it has only what names it, where it leaves
 * that out: an id goes with its type, and properties are never mixed.
 */
function withDefaults(defaults: Questions, item: Members): Members {
  const merged: Record<string, unknown> = {};
  for (const entity of ENTITIES) {
    const [own, shared] = [item[entity], defaults[entity]];
    const value =
      own === undefined ? shared : isObject(own) && shared && entity !== 'context' ? named(own, shared) : own;
    if (value !== undefined) merged[entity] = value;
  }
  return merged;
}

function named(own: Members, shared: Members): Members {
  const { type = shared.type, name = shared.name } = own;
  const { id = type === shared.type ? shared.id : undefined } = own;
  return Object.fromEntries(Object.entries({ ...own, type, name, id }).filter(([, value]) => value !== undefined));
}

/** Looks up what the questions name with a few queries, rather than with a few for each. */
async function lookAhead(lookup: Lookup, items: readonly (Question | Problem)[]): Promise<void> {
  const { model } = lookup.context.policy;
  const [subjects, records] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  const add = (to: Map<string, Set<string>>, type: string, id: string) =>
    to.set(type, (to.get(type) ?? new Set()).add(id));
  for (const item of items) {
    if (item instanceof Problem) continue;
    try {
      add(subjects, kindNamed(model, item.subject.type), item.subject.id);
      const type = typeNamed(lookup.context, item.resource.type);
      const { id } = item.resource;
      if (!id) continue;
      if (hasRows(model, type)) add(records, type, id);
      else if (model.resources[type]?.source === 'decision')
        for (const kind of Object.keys(model.principals)) add(subjects, kind, id);
    } catch (error) {
      if (!(error instanceof UnknownName)) throw error;
    }
  }
  for (const [kind, ids] of subjects) await lookup.findAccounts(kind, [...ids]);
  for (const [type, ids] of records) await lookup.findRecords(type, [...ids]);
}

/** One entry for a batch, however many of its questions were refused: it says of how many. */
async function auditRefusals(context: Context, refusals: readonly Refusal[]): Promise<void> {
  const [first] = refusals;
  if (first === undefined) return;
  const detail = { ...first.entry.detail, refusals: refusals.length };
  await auditRefusal(
    context,
    new Refusal('not_allowed', { decision: first.details.decision ?? '' }, { ...first.entry, detail }),
  );
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
