import { AbilityBuilder, createMongoAbility } from '@casl/ability';
import { rulesToAST } from '@casl/ability/extra';
import type { Principal } from '@ostiary/policy';
import { type Context, type Database, Principals, systemRuntime } from '@ostiary/server';
import type pg from 'pg';
import { readPage } from '../../../packages/server/dist/records/page.js';
import { listRecords } from '../../../packages/server/dist/records/read.js';
// What is behind the route of a list, which the server keeps to itself.
import { LiveTypes } from '../../../packages/server/dist/rights/type-attributes.js';
import { Tally } from '../../../packages/server/dist/telemetry/tally.js';
import { surveyApplication } from '../surveys/application.js';
import { type Condition, conditionSql } from './casl-sql.js';
import { by, COLUMNS, LIMIT, type Order, orOfExists, unionOfPages, unionOfWalks } from './hand-written.js';
import type { Asker } from './prepare.js';

/** One way to get the ids of the first page, as it would be in a request of somebody whose rights are resolved. */
export interface Candidate {
  readonly name: string;
  readonly run: () => Promise<readonly string[]>;
}

/** The three hand-written statements: which is best depends on who asks. */
export const HAND_WRITTEN = ['union of pages', 'union of walks', 'or of exists'] as const;

/** Connections for what needs one of its own: row-level security acts on its role. */
export interface Connections {
  readonly database: Database;
  readonly restricted: pg.PoolClient;
}

export async function candidates(
  { database, restricted }: Connections,
  asker: Asker,
  order: Order,
): Promise<readonly Candidate[]> {
  const ask = async (client: pg.Pool | pg.PoolClient, name: string, text: string, values: readonly unknown[]) => {
    const { rows } = await client.query({ name: `${name} ${order.name}`, text, values: [...values] });
    return rows.map(({ id }) => id as string);
  };
  const written = { 'union of pages': unionOfPages, 'union of walks': unionOfWalks, 'or of exists': orOfExists };
  await restricted.query(`select set_config('app.user_id', $1, false)`, [asker.id]);
  const principal = await new Principals(surveyApplication.policy, systemRuntime).load(database.db, 'user', asker.id);
  if (principal === null) throw new TypeError(`${asker.name} is not there`);
  return [
    ...ours(database, principal, order),
    ...HAND_WRITTEN.map((name) => ({
      name,
      run: () => ask(database.pool, name, written[name](order), [asker.id]),
    })),
    {
      name: 'row-level security',
      run: () => ask(restricted, 'rls', `select ${COLUMNS} from surveys.survey t ${by('t', order)} limit ${LIMIT}`, []),
    },
    {
      name: 'CASL',
      run: casl(principal, order, (text, values) => ask(database.pool, 'casl', text, values)),
    },
  ];
}

function ours(database: Database, principal: Principal, order: Order): readonly Candidate[] {
  const { policy } = surveyApplication;
  // Of a context these two use no more than this.
  const decisions = new Tally();
  const context = {
    application: surveyApplication,
    policy,
    database,
    runtime: systemRuntime,
    types: new LiveTypes(policy),
    decisions,
  } as unknown as Context;
  const caller = { principal, sessionId: null, requestId: null };
  const sort = { field: order.columns[0], descending: order.descending };
  const asked = { limit: LIMIT, sort, after: null, view: null, tests: [] };
  return [
    {
      name: 'Ostiary',
      run: async () => (await readPage(context, caller, database.db, 'Survey', asked)).rows.map(({ id }) => id),
    },
    {
      name: 'Ostiary, masked',
      run: async () => (await listRecords(context, caller, 'Survey', asked)).items.map(({ id }) => id),
    },
  ];
}

/** CASL has the rules as conditions with the user's memberships in them; its tree is written as SQL by hand. */
function casl(
  { id, holdings }: Principal,
  order: Order,
  ask: (text: string, values: readonly unknown[]) => Promise<readonly string[]>,
): Candidate['run'] {
  const { can, build } = new AbilityBuilder(createMongoAbility);
  const on = (role: string) => [...(holdings.get(role) ?? [])];
  can('read', 'Survey', { ownerId: id });
  can('read', 'Survey', { organisationId: { $in: on('Organisation admin') } });
  can('read', 'Survey', { teamId: { $in: on('Team viewer') } });
  can('read', 'Survey', { id: { $in: on('Survey viewer') } });
  const ability = build();
  return () => {
    const tree = rulesToAST(ability, 'read', 'Survey');
    const values: unknown[] = [];
    const where = tree === null ? 'false' : conditionSql(tree as Condition, values);
    return ask(`select ${COLUMNS} from surveys.survey t where ${where} ${by('t', order)} limit ${LIMIT}`, values);
  };
}
