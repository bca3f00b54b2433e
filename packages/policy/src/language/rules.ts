import { ALWAYS, type Condition, conjunction, disjunction, type Operand } from '../tree/condition.js';
import { type Expression, OPERAND, operandOf } from './expressions.js';
import type { Field, Id, Instant } from './fields.js';
import { deepFreeze } from './freeze.js';
import { expandRole } from './implications.js';
import { actionsOf, fieldOf, splitRole } from './lookup.js';
import { checkNamesOf, demand } from './mistakes.js';
import type { Fields, Limit, Model, Resources, RoleName, StandardAction } from './model.js';
import { ROW, seenFrom } from './paths.js';
import type { ResourceRules, Rule } from './rule.js';

/** Marks an expression that is a set. */
const MANY = Symbol('many');

export type Shape = {
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

/**
 * Writes the rules of one resource type.
 * @example
 * rules(model, 'Session', ({ it, me, allow }) => [
 *   allow('manager-reads', {
 *     says: 'A group manager reads the sessions of their own groups.',
 *     source: 'handbook §3',
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
    const place = `${type}/${id}`;
    checkNamesOf(place, options, effect === 'allow' ? [...RULE_OPTIONS, 'view'] : RULE_OPTIONS);
    for (const name of LISTS) {
      const isList = Array.isArray(options[name] ?? []) || options[name] === 'every';
      demand(isList, `${place}: '${name}' is not a list`);
    }
    const kinds = options.by as readonly string[] | undefined;
    const by = kinds?.map((kind): Condition => ({ op: 'kind', kind }));
    return {
      id: place,
      effect,
      type,
      actions: options.actions === 'every' ? actionsOf(vocabulary, type) : (options.actions ?? []),
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
    holds: (name: string, ...scope: readonly Expression<unknown>[]) => {
      splitRole(vocabulary, name);
      const [at] = scope;
      // Without a scope it would mean anywhere.
      demand(scope.length === 0 || at !== undefined, `${type}: '${name}' is held on undefined`);
      return expandRole(vocabulary, name, at === undefined ? null : operandOf(at), at !== undefined && MANY in at);
    },
    linked: (linkType: string, via: string, where?: (row: unknown) => Condition): Condition => {
      const row = `${ROW}${++rows}`;
      const linked = recordProxy(vocabulary, linkType, (path) => ({ from: 'record', path: [row, ...path] }));
      const written = where === undefined ? ALWAYS : where(linked);
      demand(written !== undefined, `${type}: the condition on a linked ${linkType} returns nothing`);
      return { op: 'linked', type: linkType, via, at: ['id'], where: seenFrom(written, row, via) };
    },
    may: (action: string, on: Expression<unknown>): Condition => {
      const operand = operandOf(on);
      demand(operand.from === 'record', `${type}: 'may ${action}' needs a record that 'it' refers to`);
      return { op: 'may', action, path: operand.path };
    },
    limit: (id: string, options: Omit<Limit, 'id' | 'of' | 'max'> & { max: number | Expression<number> }): Limit => {
      checkNamesOf(`${type}/${id}`, options, LIMIT_OPTIONS);
      const max = typeof options.max === 'number' ? options.max : operandOf(options.max);
      return { ...options, id: `${type}/${id}`, of: type, max };
    },
  };
  const written = write(language as unknown as Language<M, N>);
  demand(Array.isArray(written), `the rules of ${type} are no list: return [allow(…), …]`);
  return deepFreeze({
    type,
    rules: written.filter((entry): entry is Rule => 'effect' in entry),
    limits: written.filter((entry): entry is Limit => 'max' in entry),
  });
}

const RULE_OPTIONS = ['actions', 'says', 'source', 'when', 'by', 'fields'];
const LISTS = ['actions', 'by', 'fields'] as const;
const LIMIT_OPTIONS = ['says', 'source', 'per', 'max', 'counting'];

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
      const field = fieldOf(of, type, name);
      // The id of what a reference leads to is the reference's own value.
      const next = name === 'id' && path.length > 0 ? path : [...path, name];
      if (field.many) return { [OPERAND]: operand(next), [MANY]: true };
      if (field.to === null) return { [OPERAND]: operand(next) };
      return recordProxy(of, field.to, operand, next);
    },
  });
}
