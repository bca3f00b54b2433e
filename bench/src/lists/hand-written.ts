/**
 * The page as one would write it who knows the tables, the rule and PostgreSQL. `$1` is the user. Each returns whole rows.
 * The order is by the columns given, all of them descending or all ascending.
 */
export interface Order {
  readonly name: string;
  readonly columns: readonly ['id'] | readonly ['name', 'id'];
  readonly descending: boolean;
}

export const ORDERS: readonly Order[] = [
  { name: 'newest first', columns: ['id'], descending: true },
  { name: 'by name', columns: ['name', 'id'], descending: false },
];

export const COLUMNS = 't.id, t.created_at, t.updated_at, t.version, t.name, t.owner_id, t.organisation_id, t.team_id';
export const LIMIT = 50;

export const by = (alias: string, { columns, descending }: Order) =>
  `order by ${columns.map((column) => `${alias}.${column}${descending ? ' desc' : ''}`).join(', ')}`;
const keys = (alias: string, { columns }: Order) => columns.map((column) => `${alias}.${column}`).join(', ');

/** The rule as one condition. */
const ANY = `(t.owner_id = $1
  or exists (select 1 from surveys.organisation_member m where m.organisation_id = t.organisation_id and m.user_id = $1 and m.role = 'admin')
  or exists (select 1 from surveys.team_member m where m.team_id = t.team_id and m.user_id = $1)
  or exists (select 1 from surveys.survey_member m where m.survey_id = t.id and m.user_id = $1))`;

export function orOfExists(order: Order): string {
  return `select ${COLUMNS} from surveys.survey t where ${ANY} ${by('t', order)} limit ${LIMIT}`;
}

function union(order: Order, branches: readonly string[]): string {
  return `select ${COLUMNS} from (${branches.map((branch) => `(${branch})`).join(' union ')} ${by('x', order).replaceAll('x.', '')} limit ${LIMIT}) page
    join surveys.survey t on t.id = page.id ${by('t', order)}`;
}

const owned = (order: Order) =>
  `select ${keys('s', order)} from surveys.survey s where s.owner_id = $1 ${by('s', order)} limit ${LIMIT}`;

/** Those with a role on the survey: their memberships are in the order of ids already. */
const shared = (order: Order) =>
  order.columns.length === 1
    ? `select distinct m.survey_id as id from surveys.survey_member m where m.user_id = $1 ${by('m', order).replace('m.id', 'm.survey_id')} limit ${LIMIT}`
    : `select distinct ${keys('s', order)} from surveys.survey_member m join surveys.survey s on s.id = m.survey_id
        where m.user_id = $1 ${by('s', order)} limit ${LIMIT}`;

/** The first page of each team and organisation: best for few of them. */
export function unionOfPages(order: Order): string {
  const each = (member: string, scope: string, where: string) =>
    `select ${keys('s', order)} from (select distinct ${scope} from surveys.${member} where user_id = $1${where}) m
       cross join lateral (select ${keys('s', order)} from surveys.survey s where s.${scope} = m.${scope} ${by('s', order)} limit ${LIMIT}) s
       ${by('s', order)} limit ${LIMIT}`;
  return union(order, [
    owned(order),
    each('organisation_member', 'organisation_id', " and role = 'admin'"),
    each('team_member', 'team_id', ''),
    shared(order),
  ]);
}

/** All surveys in order until fifty are found that a membership fits: best for many of them. */
export function unionOfWalks(order: Order): string {
  const walk = (member: string, scope: string, where: string) =>
    `select ${keys('s', order)} from surveys.survey s
       where exists (select 1 from surveys.${member} m where m.${scope} = s.${scope} and m.user_id = $1${where})
       ${by('s', order)} limit ${LIMIT}`;
  return union(order, [
    owned(order),
    walk('organisation_member', 'organisation_id', " and m.role = 'admin'"),
    walk('team_member', 'team_id', ''),
    shared(order),
  ]);
}
