import { upwardImplications } from '../language/implications.js';
import { findField, resourceOf } from '../language/lookup.js';
import type { GrantSource, Model } from '../language/model.js';
import { remember } from '../remember.js';
import { holdingKey } from '../tree/facts.js';
import { columnOf, holdingTable, literal, tableOf } from './names.js';
import { pathSql } from './paths.js';

/** One way in which principals of a kind come to hold a role, as parts of a query. */
export interface Grants {
  readonly kind: string;
  readonly role: string;
  readonly scope: string | null;
  readonly from: string;
  /** Expressions over `from`: who holds it, on what, from when and until when; null where nothing bounds it. */
  readonly holder: string;
  readonly scopeId: string;
  /** Whether its records refer to holder and scope themselves, so that an index answers with what is there. */
  readonly direct: boolean;
  readonly starts: string | null;
  readonly ends: string | null;
  readonly where: readonly string[];
  /** The column that names the role, and what is in it for this one; null where the source gives one role alone. */
  readonly named: { readonly column: string; readonly value: string } | null;
}

/** What a source gives: one for each kind of principal that it can give a role to, and for each role. */
export function grantsOf(model: Model, source: GrantSource): readonly Grants[] {
  const holderType = source.members
    ? findField(model, source.members.in, source.members.member)?.to
    : source.holder === 'id'
      ? source.in
      : findField(model, source.in, source.holder)?.to;
  const kinds = Object.entries(model.principals).filter(([, type]) => type !== null && type === holderType);
  const holder = source.members ? `m.${columnOf(source.members.member)}` : `g.${columnOf(source.holder)}`;
  const members = source.members
    ? ` join ${tableOf(model, source.members.in)} m on m.${columnOf(source.members.group)} = g.${columnOf(source.holder)}`
    : '';
  const many = source.on && findField(model, source.in, source.on.field)?.many === true;
  const scopes = many ? ` cross join unnest(g.${columnOf(source.on?.field ?? '')}) as s(id)` : '';
  const scope = findField(model, source.in, source.on?.field ?? '');
  const direct =
    !source.members && source.holder !== 'id' && !many && scope?.to != null && !resourceOf(model, scope.to).source;
  const scopeId = source.on === undefined ? 'null::uuid' : many ? 's.id' : `g.${columnOf(source.on.field)}`;
  const instantOf = (field: string | undefined, days: number) => {
    if (field === undefined) return null;
    const column = `g.${columnOf(field)}`;
    const isDate = findField(model, source.in, field)?.kind === 'date';
    return isDate ? `(${column} + ${days})::timestamp at time zone 'UTC'` : column;
  };
  return kinds.flatMap(([kind]) =>
    rolesOf(model, source).map(({ role, named }) => ({
      kind,
      role,
      scope: source.on?.scope ?? null,
      from: `${tableOf(model, source.in)} g${members}${scopes}`,
      holder,
      scopeId,
      direct,
      starts: instantOf(source.from, 0),
      ends: instantOf(source.until, 1),
      where: [
        ...(source.when ?? []).map((field) => `g.${columnOf(field)} is true`),
        ...(source.unless ?? []).map((field) => `g.${columnOf(field)} is not true`),
        `${holder} is not null`,
        ...(source.on ? [`${scopeId} is not null`] : []),
      ],
      named,
    })),
  );
}

function rolesOf(model: Model, source: GrantSource): readonly Pick<Grants, 'role' | 'named'>[] {
  if (typeof source.role === 'string') return [{ role: source.role, named: null }];
  const column = `g.${columnOf(source.role.field)}`;
  const known = (model.roles as Record<string, readonly string[]>)[source.on?.scope ?? 'installation'] ?? [];
  const values = source.role.is ?? Object.fromEntries(known.map((role) => [role, role]));
  return Object.entries(values).map(([value, role]) => ({ role, named: { column, value } }));
}

/** Where a grant's scope leads along references, as an expression. */
export function scopeAlong(model: Model, scope: string | null, id: string, path: readonly string[]): string {
  if (path.length === 0 || scope === null) return id;
  return `(select ${pathSql(model, { type: scope, alias: 'c' }, path)} from ${tableOf(model, scope)} c where c.id = ${id})`;
}

/**
 * The scopes on which a principal holds a role, as a query of `id`s that reads the records which grant it: for
 * statements about a principal who holds it on more than is worth sending along. A scope may come more than once.
 * @param who its kind, and an expression for its id
 * @param now gives an expression for the time of the request, the same each time, where one is needed
 */
export function scopesSql(
  model: Model,
  who: { readonly kind: string; readonly id: string },
  held: { readonly role: string; readonly scope: string },
  now: () => string,
): string {
  const ways = waysOf(model, who.kind, holdingKey(held.role, held.scope));
  if (ways.length === 0) return heldSql(model, who, held, now);
  return ways
    .map(({ text, holder, starts, ends }) =>
      [
        `${text} and ${holder} = ${who.id}`,
        ...(starts === null ? [] : [`(${starts} is null or ${starts} <= ${now()})`]),
        ...(ends === null ? [] : [`(${ends} is null or ${ends} > ${now()})`]),
      ].join(' and '),
    )
    .join(' union all ');
}

/**
 * Whether all of those scopes are named by grants that name their holder too: an index has them in order, and each is a
 * record that is there.
 */
export function isHeldDirectly(model: Model, kind: string, role: string, scope: string | null): boolean {
  const ways = waysOf(model, kind, holdingKey(role, scope));
  return ways.length > 0 && ways.every(({ direct }) => direct);
}

/** A query of all who hold a role through one source, and what is still to be said of the holder and the time. */
interface Way extends Pick<Grants, 'holder' | 'starts' | 'ends'> {
  readonly text: string;
  readonly direct: boolean;
}

const known = new WeakMap<Model, Map<string, readonly Way[]>>();

function waysOf(model: Model, kind: string, wanted: string): readonly Way[] {
  const ofModel = remember(known, model, () => new Map<string, readonly Way[]>());
  return remember(ofModel, `${kind} ${wanted}`, () => waysTo(model, kind, wanted));
}

function waysTo(model: Model, kind: string, wanted: string): readonly Way[] {
  const roles = [{ from: wanted, path: [] }, ...upwardImplications(model).filter(({ to }) => to === wanted)];
  const granted = model.grants.flatMap((source) => grantsOf(model, source)).filter((grants) => grants.kind === kind);
  // The roles of one source that lead here in the same way are asked for at once.
  const ways = new Map<string, Way & { readonly column?: string; readonly values: string[] }>();
  for (const { from, path } of roles) {
    for (const { role, scope, named, holder, starts, ends, ...grants } of granted) {
      if (holdingKey(role, scope) !== from) continue;
      const id = scopeAlong(model, scope, grants.scopeId, path);
      const text = `select ${id} as id from ${grants.from} where ${grants.where.join(' and ')}`;
      const direct = grants.direct && path.length === 0;
      const way = { text, direct, holder, starts, ends, ...(named ? { column: named.column } : {}) };
      const same = remember(ways, JSON.stringify(way), () => ({ ...way, values: [] as string[] }));
      if (named !== null) same.values.push(literal(named.value));
    }
  }
  return [...ways.values()].map(({ column, values, ...way }) =>
    column === undefined ? way : { ...way, text: `${way.text} and ${column} in (${values.join(', ')})` },
  );
}

/** The same from the view, for what is given without records of its own: permissions in a list. */
function heldSql(
  model: Model,
  who: { readonly kind: string; readonly id: string },
  held: { readonly role: string; readonly scope: string },
  now: () => string,
): string {
  return `select scope_id as id from ${holdingTable(model)} where principal_kind = ${literal(who.kind)} and principal_id = ${who.id}
    and role = ${literal(held.role)} and scope = ${literal(held.scope)}
    and (starts_at is null or starts_at <= ${now()}) and (ends_at is null or ends_at > ${now()})`;
}
