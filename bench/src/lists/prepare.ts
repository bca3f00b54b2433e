import { createTables, type Database } from '@ostiary/server';
import { surveyApplication } from '../surveys/application.js';

/** Who asks: users made for it, with so many grants of each kind. */
export interface Asker {
  readonly name: string;
  readonly id: string;
  readonly surveys: number;
  readonly teams: number;
  readonly organisations: number;
}

/** How many there are of everything but surveys: only these grow. */
const USERS = 10_000;
const ORGANISATIONS = 1_000;
const TEAMS = 20_000;

const asker = (n: number, name: string, surveys: number, teams: number, organisations: number): Asker => ({
  name,
  id: `01900000-0001-7000-8000-${n.toString(16).padStart(12, '0')}`,
  surveys,
  teams,
  organisations,
});

/** Their grants in all are 1, 100 and 10,000; the others hold one kind alone. */
export const ASKERS: readonly Asker[] = [
  asker(1, '1 grant', 0, 1, 0),
  asker(2, '100 grants', 80, 18, 2),
  asker(3, '10,000 grants', 8_990, 1_000, 10),
  asker(4, '100 teams', 0, 100, 0),
  asker(5, '10,000 teams', 0, 10_000, 0),
  asker(6, '10,000 surveys', 10_000, 0, 0),
];

/** An id of the kind (1 users, 2 organisations, 3 teams, 4 surveys, 5… memberships) with the number that SQL makes. */
const id = (kind: number, number: string) =>
  `('01900000-000${kind}-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
const any = (kind: number, of: number) => id(kind, `1 + floor(random() * ${of})::int`);
const PLAIN = 'id, created_at, updated_at';
const plain = (kind: number, number = 'i') =>
  `${id(kind, number)}, timestamptz '2026-01-01' + (${number}) * interval '1 second', timestamptz '2026-01-01' + (${number}) * interval '1 second'`;
const role = (...of: readonly string[]) => `(array['${of.join("','")}'])[1 + floor(random() * ${of.length})::int]`;

/**
 * Fills an empty database with the platform and so many surveys, in tables that the model makes. The same seed gives the
 * same rows. Newer surveys have greater ids, as they have with UUIDv7.
 */
export async function prepare(database: Database, surveys: number, seed: number): Promise<void> {
  await createTables(database, [surveyApplication]);
  const statements = [
    // Nobody is logged in, so there are no versions of rights to raise; and every reference is made from what is there.
    `set session_replication_role = replica`,
    `select setseed(${(seed % 1_000_000) / 1_000_000})`,
    `insert into surveys."user" (${PLAIN}, name) select ${plain(1)}, 'user ' || i from generate_series(1, ${USERS}) i`,
    `insert into surveys.organisation (${PLAIN}, name) select ${plain(2)}, 'organisation ' || i from generate_series(1, ${ORGANISATIONS}) i`,
    `insert into surveys.team (${PLAIN}, name, organisation_id) select ${plain(3)}, 'team ' || i, ${id(2, `1 + i % ${ORGANISATIONS}`)} from generate_series(1, ${TEAMS}) i`,
    `insert into surveys.survey (${PLAIN}, name, owner_id, organisation_id, team_id)
       select ${plain(4)}, substr(md5(i::text), 1, 12), ${any(1, USERS)}, ${id(2, `1 + team % ${ORGANISATIONS}`)}, ${id(3, 'team')}
       from (select i, 1 + floor(random() * ${TEAMS})::int as team from generate_series(1, ${surveys}) i) s`,
    `insert into surveys.organisation_member (${PLAIN}, organisation_id, user_id, role)
       select ${plain(5)}, ${any(2, ORGANISATIONS)}, ${any(1, USERS)}, ${role('admin', 'creator', 'viewer')} from generate_series(1, ${USERS}) i`,
    `insert into surveys.team_member (${PLAIN}, team_id, user_id, role)
       select ${plain(6)}, ${any(3, TEAMS)}, ${any(1, USERS)}, ${role('admin', 'creator', 'viewer')} from generate_series(1, ${5 * TEAMS}) i`,
    `insert into surveys.survey_member (${PLAIN}, survey_id, user_id, role)
       select ${plain(7)}, ${any(4, surveys)}, ${any(1, USERS)}, ${role('creator', 'editor', 'viewer')} from generate_series(1, ${surveys}) i`,
  ];
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
         where indrelid in (select oid from pg_class where relnamespace = 'surveys'::regnamespace) and not indisprimary`,
    );
    for (const { name } of rows) await client.query(`drop index ${name}`);
    await client.query(`set maintenance_work_mem = '512MB'`);
    for (const statement of statements) await client.query(statement);
    for (const { definition } of rows) await client.query(definition);
    for (const statement of ASKERS.flatMap(grantsOf(surveys))) await client.query(statement);
    await client.query('reset all');
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  } finally {
    client.release();
  }
}

/** The grants of an asker, on scopes at random; those that chance gave it are taken away. */
function grantsOf(surveys: number) {
  return (of: Asker, index: number): readonly string[] => {
    const tables = [
      { table: 'organisation', kind: 2, all: ORGANISATIONS, wanted: of.organisations, roles: role('admin') },
      { table: 'team', kind: 3, all: TEAMS, wanted: of.teams, roles: role('admin', 'creator', 'viewer') },
      { table: 'survey', kind: 4, all: surveys, wanted: of.surveys, roles: role('creator', 'editor', 'viewer') },
    ];
    return tables.flatMap(({ table, kind, all, wanted, roles }) => [
      `delete from surveys.${table}_member where user_id = '${of.id}'`,
      `insert into surveys.${table}_member (${PLAIN}, ${table}_id, user_id, role)
         select ${plain(kind + 3, `100000000 + ${index * 1_000_000} + i::int`)}, ${id(kind, 'number')}, '${of.id}'::uuid, ${roles}
         from (select number, row_number() over () as i
           from (select number from generate_series(1, ${all}) number order by random() limit ${wanted}) chosen) g`,
    ]);
  };
}
