import { filter, Parameters, pageSql } from '@ostiary/policy/sql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPage } from '../src/records/page.js';
import { listRecords } from '../src/records/read.js';
import { openApplication, START, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';

let app: TestApplication;
let personId: string;
let projectId: string;

beforeAll(async () => {
  app = await openApplication(trials);
  personId = await app.idOf('Person', 'login', 'nobody');
  projectId = await app.idOf('Project', 'name', 'Alpha');
});
afterAll(() => app?.close());

const resolve = async () => {
  const principal = await app.context.principals.load(app.installation.database.db, 'person', personId);
  if (principal === null) throw new Error('the person is gone');
  return principal;
};

/** The ids of the projects that PostgreSQL says a principal may list, who is taken to hold too much to send along. */
async function listed(principal: Awaited<ReturnType<typeof resolve>>): Promise<readonly string[]> {
  const parameters = new Parameters();
  const of = filter(app.context.policy, principal, 'list', 'Project', { now: START.toISOString() }, {}, 0);
  const page = { sort: { field: 'id', descending: false }, limit: 300, after: null, where: [] };
  const { rows } = await app.database.pool.query(pageSql(of, parameters, page), parameters.values);
  return rows.map(({ id }) => id);
}

// START is 2026-03-02T10:00Z. What the API refuses may be written by hand, or come with a backup.
test.each([
  { from: null, lastDay: null, holds: true },
  { from: '2026-03-02T10:00:00Z', lastDay: '2026-03-02', holds: true },
  { from: '2026-03-02T10:00:00.001Z', lastDay: null, holds: false },
  { from: null, lastDay: '2026-03-01', holds: false },
  { from: '0001-01-01T00:00:00Z', lastDay: '9999-12-31', holds: true },
  { from: '4713-01-01T00:00:00Z BC', lastDay: '12026-12-31', holds: true },
  { from: '-infinity', lastDay: 'infinity', holds: true },
  { from: 'infinity', lastDay: null, holds: false },
  { from: '9999-12-31T23:59:59.999Z', lastDay: '9999-12-31', holds: false },
  { from: null, lastDay: '0001-01-01', holds: false },
  { from: null, lastDay: '-infinity', holds: false },
])('a grant from $from until $lastDay holds: $holds', async ({ from, lastDay, holds }) => {
  // Another grant, so that the list has a branch to look them up in.
  const others = await app.idOf('Project', 'name', 'Beta');
  const write = (project: string, begins: string | null, ends: string | null) =>
    app.database.pool.query(
      `insert into trials.project_grant (id, created_at, updated_at, person_id, project_id, role, "from", last_day)
       values (gen_random_uuid(), now(), now(), $1, $2, 'member', $3, $4)`,
      [personId, project, begins, ends],
    );
  await write(projectId, from, lastDay);
  await write(others, null, null);
  try {
    const principal = await resolve();
    const held = principal.grants.filter(({ role, id }) => role === 'member' && id === projectId);
    expect(held.length > 0, 'in memory').toBe(holds);
    expect((await listed(principal)).includes(projectId), 'in a list').toBe(holds);
  } finally {
    await app.database.pool.query('delete from trials.project_grant where person_id = $1', [personId]);
  }
});

test('what is granted after the rights were resolved is seen from the next request on', async () => {
  // More than are sent along with a list: PostgreSQL looks them up as they are by then.
  const { rows } = await app.database.pool.query(
    `with made as (
       insert into trials.project (id, created_at, updated_at, name, site_id, places)
       select gen_random_uuid(), now(), now(), 'Many', site_id, 1 from trials.project, generate_series(1, 102) where id = $1
       returning id
     ) select id from made`,
    [projectId],
  );
  const [late, ...granted] = rows.map(({ id }) => id as string);
  const grant = (ids: readonly unknown[]) =>
    app.database.pool.query(
      `insert into trials.project_grant (id, created_at, updated_at, person_id, project_id, role)
       select gen_random_uuid(), now(), now(), $1, unnest($2::uuid[]), 'member'`,
      [personId, ids],
    );
  await grant(granted);
  const asked = { limit: 200, sort: null, after: null, view: null, tests: [] };
  const caller = { principal: await resolve(), sessionId: null, requestId: null };
  await grant([late]);
  const read = await readPage(app.context, caller, app.installation.database.db, 'Project', asked);
  expect(
    read.rows.map(({ id }) => id),
    'PostgreSQL does not see the late grant: this test tells nothing',
  ).toContain(late);
  const shown = async (who: typeof caller) =>
    (await listRecords(app.context, who, 'Project', asked)).items.map(({ id }) => id);
  expect((await shown(caller)).toSorted()).toEqual(granted.toSorted());
  expect(await shown({ ...caller, principal: await resolve() })).toContain(late);
});
