import {
  ALWAYS,
  type Condition,
  conjunction,
  disjunction,
  linkWhere,
  mapAtoms,
  mapOperands,
  negation,
  type Operand,
} from '../tree/condition.js';
import { checkCondition } from './check.js';
import { deepFreeze } from './define.js';
import { type Expression, OPERAND, operandOf } from './expressions.js';
import type { Field, Id, Instant } from './fields.js';
import { expandRole } from './implications.js';
import {
  actionsOf,
  type Fields,
  findField,
  type Limit,
  type Model,
  ModelError,
  type Resources,
  type RoleName,
  resolvePath,
  resourceOf,
  type StandardAction,
  splitRole,
} from './model.js';

/** One sentence of the rulebook. */
export interface Rule {
  /** Unique in the policy: `Session/manager-reads`. Stable: the audit trail names it. */
  readonly id: string;
  readonly effect: 'allow' | 'forbid';
  readonly type: string;
  readonly actions: readonly string[];
  /** The rule as a sentence. */
  readonly says: string;
  /** Where the rule comes from. */
  readonly source: string;
  readonly when: Condition;
  /** An allow shows or accepts these fields only; a forbid forbids these fields only. Every field where left out. */
  readonly fields?: readonly string[];
  /** The view in which an allow shows the record; as it is where left out. */
  readonly view?: string;
}

/** A model with its rules: immutable, serialisable data, which every reader reads. */
export interface Policy {
  readonly model: Model;
  readonly rules: readonly Rule[];
  readonly limits: readonly Limit[];
}

/** Marks an expression that is a set. */
const MANY = Symbol('many');
/** Begins the paths of a linked record, while its condition is being written, to tell them from those of `it`. */
const ROW = '#';

type Shape = {
  readonly resources: Resources;
  readonly principals: Readonly<Record<string, string | null>>;
  readonly roles: unknown;
  readonly typeAttributes?: Fields;
};

/** The record of type `N` in a rule: its fields, and through its references those of other records. */
export type RecordOf<R extends Resources, N extends keyof R> = Expression<Id<N & string>> & {
  readonly id: Expression<Id<N & string>>;
  readonly createdAt: Expression<Instant>;
  readonly updatedAt: Expression<Instant>;
} & { readonly [F in keyof R[N]['fields']]: FieldOf<R, R[N]['fields'][F]> };

type FieldOf<R extends Resources, F> =
  F extends Field<infer V, infer To, infer Many>
    ? [To] extends [keyof R & string]
      ? Many extends false
        ? RecordOf<R, To>
        : Expression<V>
      : Expression<V>
    : never;

type ActionName<R extends Resources, N extends keyof R> = StandardAction | R[N]['actions'][number];
type ScopeOf<Name> = Name extends `${infer S} ${string}` ? S : never;
type LinkField<R extends Resources, L extends keyof R, N> = {
  [F in keyof R[L]['fields']]: R[L]['fields'][F] extends Field<unknown, N & string, false> ? F : never;
}[keyof R[L]['fields']];

export interface RuleOptions<R extends Resources, N extends keyof R, P> {
  /** What may be done, or must not be. `every` is all that the resource type knows. */
  readonly actions: readonly ActionName<R, N>[] | 'every';
  readonly says: string;
  readonly source: string;
  readonly when?: Condition;
  /** Only for these kinds of principal. */
  readonly by?: readonly (keyof P & string)[];
  readonly fields?: readonly (keyof R[N]['fields'] & string)[];
  readonly view?: keyof NonNullable<R[N]['views']> & string;
}

/** The principal in a rule, by kind. */
export type PrincipalsOf<M extends Shape> = {
  readonly [K in keyof M['principals']]: M['principals'][K] extends keyof M['resources']
    ? RecordOf<M['resources'], M['principals'][K]>
    : Record<never, never>;
};

/** What the rules of a resource type are written with. */
export interface Language<M extends Shape, N extends keyof M['resources']> {
  /** The record that the rule is about. */
  readonly it: RecordOf<M['resources'], N>;
  /** Who acts, by kind: `me.user.groupIds`. */
  readonly me: PrincipalsOf<M>;
  /** The attributes that the installation keeps for this resource type. */
  readonly type: {
    readonly [F in keyof NonNullable<M['typeAttributes']>]: NonNullable<M['typeAttributes']>[F] extends Field<infer V>
      ? Expression<V>
      : never;
  };
  allow(id: string, options: RuleOptions<M['resources'], N, M['principals']>): Rule;
  forbid(id: string, options: Omit<RuleOptions<M['resources'], N, M['principals']>, 'view'>): Rule;
  /** The principal holds the role, itself or by implication: on the scope, on one of the scopes, or on any. */
  holds<Name extends RoleName<M['roles']>>(
    role: Name,
    at?: Expression<Id<ScopeOf<Name>>> | Expression<readonly Id<ScopeOf<Name>>[]>,
  ): Condition;
  /**
   * Some record of type `L` refers to this one by the field `via`, and fulfils the condition, in which `it` remains
   * the record that the rule is about.
   */
  linked<L extends keyof M['resources'] & string>(
    type: L,
    via: LinkField<M['resources'], L, N> & string,
    where?: (row: RecordOf<M['resources'], L>) => Condition,
  ): Condition;
  /** The principal may do the action on the record that the reference leads to. */
  may<T extends keyof M['resources'] & string>(
    action: ActionName<M['resources'], NoInfer<T>>,
    on: Expression<Id<T>>,
  ): Condition;
  /** At most so many records. */
  limit(
    id: string,
    options: {
      readonly says: string;
      readonly source: string;
      readonly per: keyof M['resources'][N]['fields'] & string;
      readonly max: number | Expression<number>;
      readonly counting: Condition;
    },
  ): Limit;
}

/** Who acts, by kind, for conditions that several resource types share: `principals(model).user.groupIds`. */
export function principals<M extends Shape>(of: M): PrincipalsOf<M> {
  const vocabulary = of as unknown as Model;
  return Object.fromEntries(
    Object.entries(vocabulary.principals).map(([kind, type]) => [
      kind,
      type === null ? {} : recordProxy(vocabulary, type, (path) => ({ from: 'principal', kind, path })),
    ]),
  ) as PrincipalsOf<M>;
}

/** The rules of one resource type, as `rules` made them. */
export interface ResourceRules {
  readonly type: string;
  readonly rules: readonly Rule[];
  readonly limits: readonly Limit[];
}

/**
 * Writes the rules of one resource type.
 * @example
 * rules(model, 'Session', ({ it, me, allow }) => [
 *   allow('manager-reads', {
 *     says: 'A group manager reads the sessions of their own groups.',
 *     source: 'facts §3',
 *     actions: ['read'],
 *     when: all(equal(me.user.role, 'GROUP_MANAGER'), within(it.groupId, me.user.groupIds)),
 *   }),
 * ]);
 */
export function rules<M extends Shape, N extends keyof M['resources'] & string>(
  of: M,
  type: N,
  write: (language: Language<M, N>) => readonly (Rule | Limit)[],
): ResourceRules {
  const vocabulary = of as unknown as Model;
  let rows = 0;
  const rule = (effect: Rule['effect'], id: string, options: RuleOptions<Resources, string, unknown>): Rule => {
    const kinds = options.by as readonly string[] | undefined;
    const by = kinds?.map((kind): Condition => ({ op: 'kind', kind }));
    return {
      id: `${type}/${id}`,
      effect,
      type,
      actions: options.actions === 'every' ? actionsOf(vocabulary, type) : options.actions,
      says: options.says,
      source: options.source,
      when: conjunction([...(by ? [disjunction(by)] : []), options.when ?? ALWAYS]),
      ...(options.fields ? { fields: options.fields } : {}),
      ...(options.view !== undefined ? { view: options.view } : {}),
    };
  };
  const language = {
    it: recordProxy(vocabulary, type, (path) => ({ from: 'record', path })),
    me: principals(of),
    type: Object.fromEntries(
      Object.entries(vocabulary.typeAttributes ?? {}).map(([name, field]) => [
        name,
        { [OPERAND]: { from: 'type', type, field: name }, ...(field.many ? { [MANY]: true } : {}) },
      ]),
    ),
    allow: (id: string, options: RuleOptions<Resources, string, unknown>) => rule('allow', id, options),
    forbid: (id: string, options: RuleOptions<Resources, string, unknown>) => rule('forbid', id, options),
    holds: (name: string, at?: Expression<unknown>) => {
      splitRole(vocabulary, name);
      return expandRole(vocabulary, name, at === undefined ? null : operandOf(at), at !== undefined && MANY in at);
    },
    linked: (linkType: string, via: string, where?: (row: unknown) => Condition): Condition => {
      const row = `${ROW}${++rows}`;
      const written = where?.(recordProxy(vocabulary, linkType, (path) => ({ from: 'record', path: [row, ...path] })));
      return { op: 'linked', type: linkType, via, at: ['id'], where: seenFrom(written ?? ALWAYS, row, via) };
    },
    may: (action: string, on: Expression<unknown>): Condition => {
      const operand = operandOf(on);
      if (operand.from !== 'record')
        throw new ModelError(`${type}: 'may ${action}' needs a record that 'it' refers to`);
      return { op: 'may', action, path: operand.path };
    },
    limit: (id: string, options: Omit<Limit, 'id' | 'of' | 'max'> & { max: number | Expression<number> }): Limit => ({
      ...options,
      id: `${type}/${id}`,
      of: type,
      max: typeof options.max === 'number' ? options.max : operandOf(options.max),
    }),
  };
  const written = write(language as unknown as Language<M, N>);
  return deepFreeze({
    type,
    rules: written.filter((entry): entry is Rule => 'effect' in entry),
    limits: written.filter((entry): entry is Limit => 'max' in entry),
  });
}

/**
 * Makes a policy: checks the rules against the model, replaces every 'may' by the rules it stands for, and adds what
 * run-time permissions allow.
 * @throws {ModelError} where two rules share an id, compare unlike things, or name what does not exist.
 */
export function policy(of: Shape, written: readonly ResourceRules[]): Policy {
  const vocabulary = of as unknown as Model;
  const own = written.flatMap((entry) => entry.rules);
  const limits = written.flatMap((entry) => entry.limits);
  const raw = [...own, ...permissionRules(vocabulary)];
  const ids = new Set<string>();
  for (const { id } of [...raw, ...limits]) {
    if (ids.has(id)) throw new ModelError(`two rules have the id '${id}'`);
    ids.add(id);
  }
  for (const rule of own) checkRule(vocabulary, rule);
  for (const limit of limits) checkLimit(vocabulary, limit);
  const made = raw.map((rule) => ({ ...rule, when: resolveMay(vocabulary, raw, rule.type, rule.when, [rule.id]) }));
  return deepFreeze({ model: vocabulary, rules: made, limits });
}

/** The rules that speak of an action on a type: what may be read may also be listed, and some may only be listed. */
export function rulesAbout(rules: readonly Rule[], action: string, type: string): readonly Rule[] {
  const spoken = action === 'list' ? ['list', 'read'] : [action];
  return rules.filter((rule) => rule.type === type && rule.actions.some((known) => spoken.includes(known)));
}

/** Puts the rules that 'may' stands for in its place, seen from the record that asks. */
function resolveMay(
  of: Model,
  all: readonly Rule[],
  type: string,
  condition: Condition,
  asking: readonly string[],
): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'linked') return linkWhere(atom, resolveMay(of, all, atom.type, atom.where, asking));
    if (atom.op !== 'may') return atom;
    const target = resolvePath(of, type, atom.path).field.to as string;
    const step = `${atom.action} ${target} at ${atom.path.join('.')}`;
    if (asking.includes(step)) throw new ModelError(`rules ask for each other: ${[...asking, step].join(' → ')}`);
    const sides = { allow: [] as Condition[], forbid: [] as Condition[] };
    for (const rule of rulesAbout(all, atom.action, target)) {
      if (rule.effect === 'forbid' && rule.fields) continue;
      const resolved = resolveMay(of, all, target, rule.when, [...asking, step]);
      sides[rule.effect].push(mapPaths(resolved, (inner) => joinPaths(atom.path, inner)));
    }
    return conjunction([disjunction(sides.allow), negation(disjunction(sides.forbid))]);
  });
}

/** A link's condition as its record sees it: paths of that record as they are, those of `it` through the link. */
function seenFrom(condition: Condition, row: string, via: string): Condition {
  return mapPaths(condition, ([first, ...rest]) => {
    if (first === row) return rest;
    if (first?.startsWith(ROW))
      throw new ModelError("a link within a link can speak of 'it' and of its own record only");
    return joinPaths([via], [first ?? 'id', ...rest]);
  });
}

/** The path to a value of the record that a path leads to. */
function joinPaths(path: readonly string[], inner: readonly string[]): readonly string[] {
  if (isOwn(inner)) return path;
  return isOwn(path) ? inner : [...path, ...inner];
}

const isOwn = (path: readonly string[]) => path.length === 1 && path[0] === 'id';

/** Changes every path that begins at the outermost record. */
function mapPaths(condition: Condition, change: (path: readonly string[]) => readonly string[]): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'linked') return { ...atom, at: change(atom.at) };
    if (atom.op === 'may') return { ...atom, path: change(atom.path) };
    return mapOperands(atom, (operand) =>
      operand.from === 'record' ? { from: 'record', path: change(operand.path) } : operand,
    );
  });
}

/** The actions that can be permitted at run time: who may read may list. */
export function permissionActions(of: Model, type: string): readonly string[] {
  return actionsOf(of, type).filter((action) => action !== 'list');
}

/** The name of the role that a run-time permission gives. */
export function permissionRole(action: string, type: string): string {
  return `may ${action} ${type}`;
}

function permissionId(action: string, type: string): string {
  return `${type}/permission-${action}`;
}

function permissionRules(of: Model): Rule[] {
  const source = of.permissions;
  if (source === undefined) return [];
  return Object.keys(of.resources).flatMap((type) =>
    permissionActions(of, type).map((action): Rule => {
      const role = permissionRole(action, type);
      const field = source.at[type];
      const everywhere: Condition = { op: 'holds', role, scope: null, at: null, many: false };
      const there: Condition[] =
        field === undefined
          ? []
          : [
              {
                op: 'holds',
                role,
                scope: source.scope,
                at: { from: 'record', path: [field] },
                many: findField(of, type, field)?.many ?? false,
              },
            ];
      return {
        id: permissionId(action, type),
        effect: 'allow',
        type,
        actions: [action],
        says: `Who was given the permission '${action} ${type}' may do so.`,
        source: 'permissions given at run time',
        when: disjunction([everywhere, ...there]),
      };
    }),
  );
}

function checkRule(of: Model, rule: Rule): void {
  checkSentence(rule);
  const known = actionsOf(of, rule.type);
  if (rule.actions.length === 0) throw new ModelError(`${rule.id} is about no action`);
  for (const action of rule.actions) {
    if (!known.includes(action)) throw new ModelError(`${rule.id}: ${rule.type} has no action '${action}'`);
  }
  for (const field of rule.fields ?? []) {
    if (!findField(of, rule.type, field)) throw new ModelError(`${rule.id}: ${rule.type} has no field '${field}'`);
  }
  const views = resourceOf(of, rule.type).views ?? {};
  if (rule.view !== undefined && !Object.hasOwn(views, rule.view)) {
    throw new ModelError(`${rule.id}: ${rule.type} has no view '${rule.view}'`);
  }
  within(rule.id, () => checkCondition(of, rule.type, rule.when));
}

function checkLimit(of: Model, limit: Limit): void {
  checkSentence(limit);
  if (!findField(of, limit.of, limit.per)) throw new ModelError(`${limit.id}: ${limit.of} has no field '${limit.per}'`);
  within(limit.id, () => {
    checkCondition(of, limit.of, limit.counting);
    if (typeof limit.max === 'number') return;
    const right: Operand = { from: 'constant', value: 0 };
    checkCondition(of, limit.of, { op: 'atMost', left: limit.max, right });
  });
}

function checkSentence(entry: { readonly id: string; readonly says: string; readonly source: string }): void {
  if (entry.says.trim() === '' || entry.source.trim() === '') {
    throw new ModelError(`${entry.id} lacks its sentence or source`);
  }
}

/** Says whose condition is wrong. */
function within(id: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof ModelError ? new ModelError(`${id}: ${error.message}`) : error;
  }
}

function recordProxy(
  of: Model,
  type: string,
  operand: (path: readonly string[]) => Operand,
  path: readonly string[] = [],
): unknown {
  const target = { [OPERAND]: operand(path.length === 0 ? ['id'] : path) };
  return new Proxy(target, {
    get(_, name) {
      if (name === OPERAND) return target[OPERAND];
      if (typeof name !== 'string') return undefined;
      const field = findField(of, type, name);
      if (field === undefined) throw new ModelError(`${type} has no field '${name}'`);
      // The id of what a reference leads to is the reference's own value.
      const next = name === 'id' && path.length > 0 ? path : [...path, name];
      if (field.many) return { [OPERAND]: operand(next), [MANY]: true };
      if (field.to === null) return { [OPERAND]: operand(next) };
      return recordProxy(of, field.to, operand, next);
    },
  });
}
