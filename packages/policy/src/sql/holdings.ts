import { upwardImplications } from '../language/implications.js';
import { findField, type GrantSource, type Model, splitRole } from '../language/model.js';
import { permissionActions, permissionRole, permissionTypes } from '../language/permissions.js';
import { columnOf, holdingTable, tableOf } from './names.js';
import { pathSql } from './write.js';

const COLUMNS = 'principal_kind, principal_id, role, scope, scope_id, starts_at, ends_at';

/**
 * The statement that makes the view `holding` from the model's sources of grants. It is plain SQL over the
 * application's tables, so a grant holds, and ends, in the transaction that writes it.
 */
export function holdingsView(model: Model): string {
  const direct = [...model.grants.flatMap((source) => grantQueries(model, source)), ...permissionQueries(model)];
  const sources = direct.length === 0 ? [nothing()] : direct;
  const implied = upwardImplications(model).map((implication) => {
    const [from, to] = [splitRole(model, implication.from), splitRole(model, implication.to)];
    const id =
      implication.path.length === 0 || from.scope === null
        ? 'd.scope_id'
        : `(select ${pathSql(model, { type: from.scope, alias: 's' }, implication.path)} from ${tableOf(model, from.scope)} s where s.id = d.scope_id)`;
    const scope = from.scope === null ? 'd.scope is null' : `d.scope = ${literal(from.scope)}`;
    const target = to.scope === null ? 'null::text' : literal(to.scope);
    return `select d.principal_kind, d.principal_id, ${literal(to.role)}, ${target}, ${id}, d.starts_at, d.ends_at
      from direct d where d.role = ${literal(from.role)} and ${scope}${to.scope === null ? '' : ` and ${id} is not null`}`;
  });
  return `create or replace view ${holdingTable(model)} (${COLUMNS}) as
    with direct (${COLUMNS}) as not materialized (${sources.join('\n union all ')})
    ${['select * from direct', ...implied].join('\n union all ')}`;
}

function nothing(): string {
  return `select null::text, null::uuid, null::text, null::text, null::uuid, null::timestamptz, null::timestamptz where false`;
}

/** One query for each kind of principal that a source can give a role to, and for each role that it can give. */
function grantQueries(model: Model, source: GrantSource): string[] {
  const holderType = source.members
    ? findField(model, source.members.in, source.members.member)?.to
    : source.holder === 'id'
      ? source.in
      : findField(model, source.in, source.holder)?.to;
  const kinds = Object.entries(model.principals).filter(([, type]) => type !== null && type === holderType);
  const member = source.members ? `m.${columnOf(source.members.member)}` : `g.${columnOf(source.holder)}`;
  const members = source.members
    ? `join ${tableOf(model, source.members.in)} m on m.${columnOf(source.members.group)} = g.${columnOf(source.holder)}`
    : '';
  const many = source.on && findField(model, source.in, source.on.field)?.many === true;
  const scopes = many ? `cross join unnest(g.${columnOf(source.on?.field ?? '')}) as s(id)` : '';
  const scopeId = source.on === undefined ? 'null::uuid' : many ? 's.id' : `g.${columnOf(source.on.field)}`;
  const scope = source.on === undefined ? 'null::text' : literal(source.on.scope);
  const instantOf = (field: string | undefined, days: number) => {
    if (field === undefined) return 'null::timestamptz';
    const column = `g.${columnOf(field)}`;
    const isDate = findField(model, source.in, field)?.kind === 'date';
    return isDate ? `(${column} + ${days})::timestamp at time zone 'UTC'` : column;
  };
  const conditions = [
    ...(source.when ?? []).map((field) => `g.${columnOf(field)} is true`),
    ...(source.unless ?? []).map((field) => `g.${columnOf(field)} is not true`),
  ];
  return kinds.flatMap(([kind]) =>
    rolesOf(model, source).map(({ role, test }) => {
      const where = [...conditions, ...test, `${member} is not null`, ...(source.on ? [`${scopeId} is not null`] : [])];
      return `select ${literal(kind)}::text, ${member}, ${literal(role)}::text, ${scope}::text, ${scopeId}, ${instantOf(source.from, 0)}, ${instantOf(source.until, 1)}
        from ${tableOf(model, source.in)} g ${members} ${scopes} where ${where.join(' and ')}`;
    }),
  );
}

function rolesOf(
  model: Model,
  source: GrantSource,
): readonly { readonly role: string; readonly test: readonly string[] }[] {
  if (typeof source.role === 'string') return [{ role: source.role, test: [] }];
  const column = `g.${columnOf(source.role.field)}`;
  const known = (model.roles as Record<string, readonly string[]>)[source.on?.scope ?? 'installation'] ?? [];
  const values = source.role.is ?? Object.fromEntries(known.map((role) => [role, role]));
  return Object.entries(values).map(([value, role]) => ({ role, test: [`${column} = ${literal(value)}`] }));
}

/** Permissions given at run time, each as the roles that it stands for. */
function permissionQueries(model: Model): string[] {
  const source = model.permissions;
  if (source === undefined) return [];
  const kinds = Object.entries(model.principals).filter(([, type]) => type === source.in);
  const every = permissionTypes(model).flatMap((type) =>
    permissionActions(model, type).map(
      (action) =>
        `(${literal(action)}, ${literal(type)}, ${literal(permissionRole(action, type))}, ${Object.hasOwn(source.at, type)})`,
    ),
  );
  const list = `p.${columnOf(source.field)}`;
  const scopeKey = literal(source.scopeKey);
  // Whatever is in the list: an entry that makes no sense gives nothing, rather than an error to everybody.
  return kinds.map(
    ([kind]) => `select ${literal(kind)}::text, p.id, a.role::text,
        case when e.id is null then null else ${literal(source.scope)} end::text, e.id, null::timestamptz, null::timestamptz
      from ${tableOf(model, source.in)} p
      cross join lateral jsonb_array_elements(case when jsonb_typeof(${list}) = 'array' then ${list} else '[]' end) x(entry)
      cross join lateral (select x.entry ->> 'action' as action, x.entry ->> 'resource' as resource, x.entry ->> ${scopeKey} as scope,
        case when x.entry ->> ${scopeKey} ~* ${literal(UUID)} then (x.entry ->> ${scopeKey})::uuid end as id) e
      join (values ${every.join(', ')}) as a(action, type, role, scoped)
        on (e.action = a.action or e.action = ${literal(source.anyAction)})
       and (e.resource = a.type or e.resource = ${literal(source.anyResource)})
       and (e.scope is null or (a.scoped and e.id is not null))`,
  );
}

/** An id as text. */
const UUID = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';

/** A name from the model, as an SQL literal: views take no parameters, and a model's names are the author's own. */
function literal(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

/** The query of one principal's grants with their windows of time: `$1` is the kind, `$2` the id. */
export function holdingsQuery(model: Model): string {
  return `select role, scope, scope_id as id, starts_at, ends_at from ${holdingTable(model)} where principal_kind = $1 and principal_id = $2`;
}
