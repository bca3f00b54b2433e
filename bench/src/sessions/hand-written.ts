/**
 * The page of sessions as one would write it who knows the tables, the rules of a project's users and PostgreSQL. `$1` is
 * the user. Each returns whole rows.
 */
export interface SessionOrder {
  readonly name: string;
  readonly field: 'id' | 'startAt';
  readonly columns: readonly ['id'] | readonly ['start_at', 'id'];
}

/** Both descending: what was entered last, and what takes place last. */
export const SESSION_ORDERS: readonly SessionOrder[] = [
  { name: 'newest first', field: 'id', columns: ['id'] },
  { name: 'latest start first', field: 'startAt', columns: ['start_at', 'id'] },
];

export const LIMIT = 50;

const by = (alias: string, { columns }: SessionOrder) =>
  `order by ${columns.map((column) => `${alias}.${column} desc`).join(', ')}`;
const keys = (alias: string, { columns }: SessionOrder) => columns.map((column) => `${alias}.${column}`).join(', ');

/** The projects that the user reaches: by a role in them, or at their site. */
const MINE = `select a.project_id as id from opentera.user_group_member g
    join opentera.project_access a on a.user_group_id = g.user_group_id where g.user_id = $1
  union select p.id from opentera.user_group_member g
    join opentera.site_access a on a.user_group_id = g.user_group_id
    join opentera.project p on p.site_id = a.site_id where g.user_id = $1`;

/** The sessions that the user is in. */
const attended = (order: SessionOrder) =>
  `select ${keys('s', order)} from opentera.session_user u join opentera.session s on s.id = u.session_id
     where u.user_id = $1 ${by('s', order)} limit ${LIMIT}`;

const page = (order: SessionOrder, reached: string) =>
  `select t.* from ((${reached}) union (${attended(order)}) ${by('x', order).replaceAll('x.', '')} limit ${LIMIT}) page
     join opentera.session t on t.id = page.id ${by('t', order)}`;

/** The first page of each project: best for few of them. */
const unionOfPages = (order: SessionOrder) =>
  page(
    order,
    `select ${keys('s', order)} from (${MINE}) m cross join lateral (
       select ${keys('s', order)} from opentera.session s where s.project_id = m.id ${by('s', order)} limit ${LIMIT}) s
     ${by('s', order)} limit ${LIMIT}`,
  );

/** All sessions in order until fifty are found in these projects: best for many of them. */
const unionOfWalks = (order: SessionOrder) =>
  page(
    order,
    `select ${keys('s', order)} from opentera.session s where s.project_id in (${MINE}) ${by('s', order)} limit ${LIMIT}`,
  );

/** As one writes it first. */
const orOfExists = (order: SessionOrder) =>
  `select t.* from opentera.session t where t.project_id in (${MINE})
     or exists (select 1 from opentera.session_user u where u.session_id = t.id and u.user_id = $1)
     ${by('t', order)} limit ${LIMIT}`;

export const HAND_WRITTEN: Readonly<Record<string, (order: SessionOrder) => string>> = {
  'union of pages': unionOfPages,
  'union of walks': unionOfWalks,
  'or of exists': orOfExists,
};
