import { upwardImplications } from '../language/implications.js';
import { splitRole } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import { permissionActions, permissionRole, permissionTypes } from '../language/permissions.js';
import { type Grants, grantsOf, scopeAlong } from './grants.js';
import { columnOf, holdingTable, literal, tableOf } from './names.js';

const COLUMNS = 'principal_kind, principal_id, role, scope, scope_id, starts_at, ends_at';

/**
 * The statement that makes the view `holding` from the model's sources of grants. It is plain SQL over the
 * application's tables, so a grant holds, and ends, in the transaction that writes it.
 */
export function holdingsView(model: Model): string {
  const granted = model.grants.flatMap((source) => grantsOf(model, source)).map(grantsSql);
  const direct = [...granted, ...permissionQueries(model)];
  const sources = direct.length === 0 ? [nothing()] : direct;
  const implied = upwardImplications(model).map((implication) => {
    const [from, to] = [splitRole(model, implication.from), splitRole(model, implication.to)];
    const id = scopeAlong(model, from.scope, 'd.scope_id', implication.path);
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

function grantsSql({ kind, role, scope, named, ...grants }: Grants): string {
  const where = named === null ? grants.where : [`${named.column} = ${literal(named.value)}`, ...grants.where];
  const { from, holder, scopeId, starts, ends } = grants;
  return `select ${literal(kind)}::text, ${holder}, ${literal(role)}::text, ${scope === null ? 'null' : literal(scope)}::text, ${scopeId}, ${starts ?? 'null::timestamptz'}, ${ends ?? 'null::timestamptz'}
    from ${from} where ${where.join(' and ')}`;
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

/**
 * The query of one principal's grants, those of one role, scope type and time together: `$1` is the kind, `$2` the id.
 * Each `ids` has the scopes, or null for a role without one. Each `starts` and `ends` is in milliseconds of the Unix epoch,
 * infinite where nothing bounds it: as text, PostgreSQL has instants that no `Date` reads.
 */
export function holdingsQuery(model: Model): string {
  const at = (column: string, unbounded: string) =>
    `extract(epoch from coalesce(${column}, '${unbounded}'))::float8 * 1000`;
  return `select role, scope, array_agg(scope_id) as ids, ${at('starts_at', '-infinity')} as starts, ${at('ends_at', 'infinity')} as ends
    from ${holdingTable(model)} where principal_kind = $1 and principal_id = $2 group by role, scope, starts_at, ends_at`;
}
