import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { wards } from './support/wards.js';

let app: TestApplication;
let visit: string;
const NOWHERE = '01900000-0000-7000-8000-000000000000';

beforeAll(async () => {
  app = await openApplication(wards);
  const { rows } = await app.database.pool.query(
    `select v.id from wards.visit v join wards.ward w on w.id = v.ward_id where w.name = 'East' limit 1`,
  );
  visit = rows[0].id;
});
afterAll(() => app?.close());

/** An action decides on another record than its own, after it has changed that one. */
test.each([
  ['nora', 'East', 200, undefined],
  ['nora', 'West', 403, 'not_allowed'],
  ['nora', null, 403, 'not_allowed'],
  ['chief', 'West', 200, undefined],
  ['chief', null, 422, 'reference_not_found'],
])('%s refers somebody to %s: %i', async (as, ward, status, code) => {
  const wardId = ward === null ? NOWHERE : await app.idOf('Ward', 'name', ward);
  await app.database.pool.query('update wards.visit set note = null');
  const before = await app.fingerprint();
  const answer = await app.request({ as, method: 'POST', url: `/api/visits/${visit}/refer`, body: { wardId } });
  expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
  if (status === 200) expect(answer.body).toEqual({ action: 'read', to: ward });
  else expect(await app.fingerprint(), 'what was done before it was refused').toBe(before);
});
