import { type Context, DEMO_PASSWORD, inTransaction, System } from '@ostiary/server';

/** How much there is to be. */
export interface Scale {
  readonly participants: number;
  readonly sessions: number;
}

/** Who is made to look at it: users with the password of the demo, each with a role of one kind on so many scopes. */
export const SCALE_USERS = [
  { username: 'scale-one-project', on: 'project', role: 'user', scopes: 1 },
  { username: 'scale-ten-projects', on: 'project', role: 'user', scopes: 10 },
  { username: 'scale-half-of-all', on: 'project', role: 'user', scopes: 0.5 },
  { username: 'scale-one-site', on: 'site', role: 'user', scopes: 1 },
  { username: 'scale-site-admin', on: 'site', role: 'admin', scopes: 1 },
] as const;

const PARTICIPANTS_A_PROJECT = 100;
const PROJECTS_A_SITE = 20;
const SESSION_TYPES = 10;
/** Rows of one statement: few enough for progress to be seen. */
const AT_ONCE = 50_000;
const YEARS = 5;

/** A UUIDv7 of an instant: newer records have greater ids, as if they had been entered one by one. */
const idAt = (instant: string) =>
  `(lpad(to_hex(floor(extract(epoch from ${instant}) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || '8' || substr(md5(random()::text), 1, 15))::uuid`;

/**
 * Fills the tables beside what is there: sites with projects, of which a few are large, participants, and their sessions
 * over five years. It writes rows as they are, without effects and without the audit trail: for measuring alone.
 * @param seed the same one gives the same data, but for ids
 */
export async function fillAtScale(
  context: Context,
  { participants, sessions }: Scale,
  seed: number,
  progress: (line: string) => void,
): Promise<void> {
  const projects = Math.max(PROJECTS_A_SITE, Math.ceil(participants / PARTICIPANTS_A_PROJECT));
  const sites = Math.ceil(projects / PROJECTS_A_SITE);
  const begin = new Date(context.runtime.now().getTime() - YEARS * 365 * 86_400_000).toISOString();
  /** When the `i`th of so many was made: evenly over the years. */
  const at = (all: number) => `(timestamptz '${begin}' + interval '${YEARS * 365} days' * (i::float8 / ${all}))`;
  const client = await context.database.pool.connect();
  const each = async (what: string, all: number, statement: (from: number, to: number) => string) => {
    for (let from = 1; from <= all; from += AT_ONCE) {
      const to = Math.min(from + AT_ONCE - 1, all);
      await client.query(statement(from, to));
      progress(`${to} of ${all} ${what}`);
    }
  };
  const made = (rows: string) => `(select i, made, ${idAt('made')} as id from ${rows}) r`;
  const rows = (all: number, from = 1, to = all) =>
    made(`(select i, ${at(all)} as made from generate_series(${from}, ${to}) i) g`);
  try {
    // Every reference is made from what is there: where one may, that is not checked row by row.
    await client.query('set session_replication_role = replica').catch(() => null);
    await client.query(`select setseed(${(seed % 1_000_000) / 1_000_000})`);
    await client.query(`create temp table scale_site (n serial primary key, id uuid);
      create temp table scale_project (n serial primary key, id uuid);
      create temp table scale_type (n serial primary key, id uuid);
      create temp table scale_participant (n serial primary key, id uuid, project_id uuid)`);
    await client.query(`with new as (insert into opentera.site (id, created_at, updated_at, name)
        select id, made, made, 'Site ' || i || ' ' || left(id::text, 8) from ${rows(sites)} returning id)
      insert into scale_site (id) select id from new`);
    await client.query(`with new as (insert into opentera.project (id, created_at, updated_at, site_id, name)
        select r.id, made, made, s.id, 'Project ' || i from ${rows(projects)} join scale_site s on s.n = 1 + i % ${sites} returning id)
      insert into scale_project (id) select id from new`);
    await client.query(`with new as (insert into opentera.session_type (id, created_at, updated_at, name, category)
        select id, made, made, 'Type ' || i, 'data_collect' from ${rows(SESSION_TYPES)} returning id)
      insert into scale_type (id) select id from new`);
    await client.query(`insert into opentera.session_type_site (id, created_at, updated_at, session_type_id, site_id)
      select ${idAt('now()')}, now(), now(), t.id, s.id from scale_type t cross join scale_site s`);
    await each('participants', participants, (from, to) => {
      const project = `scale_project p on p.n = 1 + floor(power(r.chance, 2) * ${projects})::int`;
      return `with r as materialized (select r.*, random() as chance from ${rows(participants, from, to)}),
        new as (insert into opentera.participant (id, created_at, updated_at, project_id, name)
          select r.id, made, made, p.id, 'Participant ' || i from r join ${project} returning id, project_id)
        insert into scale_participant (id, project_id) select id, project_id from new`;
    });
    await client.query('analyze scale_participant');
    await each('sessions', sessions, (from, to) => {
      const drawn = `1 + floor(random() * ${participants})::int as who, 1 + floor(random() * ${SESSION_TYPES})::int as what,
        random() as chance`;
      return `with r as materialized (select r.*, ${drawn} from ${rows(sessions, from, to)}),
        new as materialized (select r.*, p.id as participant_id, p.project_id, t.id as type_id
          from r join scale_participant p on p.n = who join scale_type t on t.n = what),
        session as (insert into opentera.session
            (id, created_at, updated_at, project_id, session_type_id, name, status, start_at, duration)
          select id, made, made, project_id, type_id, 'Session ' || i,
            case when chance < 0.9 then 'completed' else 'not_started' end, made + chance * interval '30 days',
            case when chance < 0.9 then floor(chance * 3600)::int else 0 end from new)
        insert into opentera.session_participant (id, created_at, updated_at, session_id, participant_id, standing)
          select ${idAt('made')}, made, made, id, participant_id, 'joined' from new`;
    });
    await client.query('reset session_replication_role');
    progress('users, and what the planner knows of all this');
    for (const user of SCALE_USERS) {
      const userGroupId = await inTransaction(context, (transaction) =>
        addUser(new System(context, transaction), user),
      );
      const all = user.on === 'site' ? sites : projects;
      const count = user.scopes < 1 ? Math.ceil(user.scopes * all) : user.scopes;
      // From the middle: those are neither the largest nor the smallest.
      await client.query(
        `insert into opentera.${user.on}_access (id, created_at, updated_at, user_group_id, ${user.on}_id, role)
           select ${idAt('now()')}, now(), now(), $1::uuid, id, $2 from scale_${user.on}
           where n > ${Math.floor((all - count) / 2)} order by n limit ${count}`,
        [userGroupId, user.role],
      );
    }
    await client.query('analyze');
  } finally {
    // With its settings and its temporary tables, wherever it stopped.
    client.release(true);
  }
}

/** Whether there is anything that the new data would be mixed with. */
export async function holdsData({ database }: Context): Promise<boolean> {
  const { rows } = await database.pool.query('select exists (select 1 from opentera.site) as filled');
  return rows[0]?.filled === true;
}

async function addUser(system: System, { username }: { readonly username: string }): Promise<string> {
  const userGroupId = await system.create('UserGroup', { name: username });
  const person = { firstName: 'Uma', lastName: 'User', password: DEMO_PASSWORD };
  const userId = await system.create('User', { ...person, username });
  await system.create('UserGroupMember', { userGroupId, userId });
  return userGroupId;
}
