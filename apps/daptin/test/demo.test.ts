import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { rowsIn } from './rows.js';

const BO = 'bo@example.org';
const CY = 'cy@example.org';
const [WELCOME, REPAIR] = ['Volunteers are welcome on Mondays.', 'The freezer is being repaired.'];
const ADMIN = 'admin@example.org';

let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(application);
});
afterAll(() => app?.close());

describe('rows under different permissions', () => {
  test.each<[string | undefined, string, readonly (string | null)[]]>([
    [undefined, 'study', ['Sleep', null]],
    [BO, 'study', ['Sleep', 'Pain']],
    [CY, 'study', ['Sleep', 'Pain']],
    [ADMIN, 'study', ['Sleep', 'Pain', 'Nothing that anybody sees']],
    [undefined, 'sample', []],
    [BO, 'sample', ['S-1', 'P-1']],
    [CY, 'sample', [null, null]],
    [ADMIN, 'sample', ['S-1', 'P-1']],
    [undefined, 'notice', [WELCOME]],
    [BO, 'notice', [WELCOME, null]],
    [CY, 'notice', [WELCOME, REPAIR]],
  ])('%s sees of %s: %j', async (as, entity, expected) => {
    const answer = await app.request({ as, url: `/api/${entity}` });
    expect([200, 403]).toContain(answer.status);
    expect(rowsIn(answer).map(({ title, label, words }) => title ?? label ?? words ?? null)).toEqual(expected);
  });
});

test('a provider waits to be set up, and nobody reads its secret', async () => {
  const answer = await app.request({ as: ADMIN, url: '/api/oauth_connect' });
  expect(rowsIn(answer)).toMatchObject([{ name: 'google', allow_login: false }]);
  expect(answer.text).not.toContain('secret');
});
