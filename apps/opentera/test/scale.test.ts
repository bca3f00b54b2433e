import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { fillAtScale, holdsData, SCALE_USERS } from '../src/scale.js';
import { API } from './support/names.js';

let app: TestApplication;
const [participants, sessions] = [40, 300];

beforeAll(async () => {
  app = await openApplication(application, { demo: false });
});
afterAll(() => app?.close());

test('an installation is filled with as much as was asked for, whose users reach what is theirs', async () => {
  expect(await holdsData(app.context)).toBe(false);
  const lines: string[] = [];
  await fillAtScale(app.context, { participants, sessions }, 7, (line) => lines.push(line));
  expect(await holdsData(app.context)).toBe(true);
  expect(lines).toEqual(expect.arrayContaining(['40 of 40 participants', '300 of 300 sessions']));

  const { rows } = await app.database.pool.query(
    `select (select count(*)::int from opentera.participant) as participants,
       (select count(*)::int from opentera.session) as sessions,
       (select count(*)::int from opentera.session s join opentera.session_participant l on l.session_id = s.id
          join opentera.participant p on p.id = l.participant_id and p.project_id = s.project_id) as linked`,
  );
  expect(rows[0]).toEqual({ participants, sessions, linked: sessions });

  for (const { username } of SCALE_USERS) {
    const { body } = await app.request({ as: username, url: `${API}/sessions/statistics?by=projectId` });
    const wanted = await app.database.pool.query(
      `select count(*)::int as count from opentera.session s where project_id in (
         select a.project_id from opentera.project_access a join opentera.user_group_member m using (user_group_id)
           join opentera."user" u on u.id = m.user_id where u.username = $1
         union select p.id from opentera.project p join opentera.site_access a on a.site_id = p.site_id
           join opentera.user_group_member m using (user_group_id) join opentera."user" u on u.id = m.user_id
           where u.username = $1)`,
      [username],
    );
    expect(body.total, username).toBe(wanted.rows[0].count);
    for (const sort of ['id', '-id', 'startAt', '-startAt']) {
      const { length } = await everyPage(username, `${API}/sessions?limit=200&sort=${sort}`);
      expect(
        length,
        `${username} lists by ${sort} what is counted: see how pages are written, in readers/page.ts`,
      ).toBe(body.total);
    }
  }
});

async function everyPage(as: string, url: string): Promise<readonly unknown[]> {
  const { body } = await app.request({ as, url });
  const rest = body.next === null ? [] : await everyPage(as, `${url.replace(/&cursor=.*/, '')}&cursor=${body.next}`);
  return [...body.items, ...rest];
}
