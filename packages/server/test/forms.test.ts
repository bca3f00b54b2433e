import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication } from './support/application.js';
import { wards } from './support/wards.js';

let app: TestApplication;
const ids: Record<string, string> = {};

beforeAll(async () => {
  app = await openApplication(wards);
  for (const name of ['East', 'West']) ids[name] = await app.idOf('Ward', 'name', name);
  for (const login of ['nora', 'carl']) ids[login] = await app.idOf('Nurse', 'login', login);
  const { rows } = await app.database.pool.query(
    `select w.name || ' ' || v.status as key, min(v.id::text) as id from wards.visit v join wards.ward w on w.id = v.ward_id group by 1`,
  );
  for (const { key, id } of rows) ids[key] = id;
});
afterAll(() => app?.close());

const form = (as: string, name: string) =>
  app.request({ as, url: `/api/forms/${name.replace(/=(.*)$/, (_, of) => `=${ids[of] ?? of}`)}` });
/** `c` for what may be written at creation, `u` for what may be changed. */
const fieldsOf = ({ fields }: JsonBody) =>
  fields.map(({ name, create, update }: JsonBody) => `${name} ${create ? 'c' : ''}${update ? 'u' : ''}`).join(', ');

describe('a form has what its reader may write', () => {
  test.each([
    ['chief', 'wards', 'name cu'],
    ['chief', 'nurses', 'login c, password cu, rank cu, phone cu'],
    ['nora', 'nurses', 'phone u'],
    ['nora', 'wards', ''],
    ['nora', 'visits', 'wardId c, patient cu, at cu, on cu, status cu, urgent c, note cu'],
    ['nora', 'visits?id=East planned', 'wardId c, patient cu, at cu, on cu, status cu, urgent c, note cu'],
    ['nora', 'visits?id=East done', 'wardId c, patient cu, at cu, on cu, status cu, urgent c, note c'],
    ['nora', 'nurses?id=nora', 'phone u'],
    ['carl', 'visits', ''],
  ])('%s, %s', async (as, name, wanted) => {
    const answer = await form(as, name);
    expect(answer.status, answer.text).toBe(200);
    expect(fieldsOf(answer.body)).toBe(wanted);
  });

  test('with everything that is to be known of each field', async () => {
    const { body } = await form('nora', 'visits');
    expect(body).toMatchObject({
      id: 'visits',
      type: 'Visit',
      title: 'Visit',
      says: 'Somebody was seen.',
      create: true,
    });
    const field = (name: string) => body.fields.find((each: JsonBody) => each.name === name);
    expect(field('patient')).toEqual({
      name: 'patient',
      title: 'Patient',
      kind: 'text',
      many: false,
      required: true,
      secret: false,
      create: true,
      update: true,
      schema: expect.objectContaining({ type: 'string', maxLength: 20 }),
    });
    expect(field('status')).toMatchObject({ choices: ['planned', 'done'], default: 'planned', required: false });
    expect(field('wardId')).toMatchObject({ title: 'Ward', kind: 'reference' });
    const { fields } = (await form('chief', 'nurses')).body;
    expect(fields.find((each: JsonBody) => each.name === 'password')).toMatchObject({ secret: true });
    expect(JSON.stringify(fields)).not.toContain('argon2');
  });

  test('what is entered by a form is taken', async () => {
    const body = { wardId: ids.East, patient: 'new', at: '2026-03-02T10:00:00.000Z', urgent: true };
    expect((await app.request({ as: 'nora', method: 'POST', url: '/api/visits', body })).status).toBe(201);
  });
});

describe('a reference offers what a list shows', () => {
  const offered = ({ fields }: JsonBody, name: string) => fields.find((each: JsonBody) => each.name === name).refersTo;

  test('the first page of what is within reach, and where the rest is', async () => {
    expect(offered((await form('nora', 'visits')).body, 'wardId')).toEqual({
      type: 'Ward',
      list: '/wards/api/wards',
      items: [{ id: ids.East, title: 'East' }],
      next: null,
    });
    const all = offered((await form('chief', 'visits')).body, 'wardId').items;
    expect(all.map(({ title }: JsonBody) => title)).toEqual(['East', 'West']);
  });

  test('no more than a page', async () => {
    await app.seed(async (system) => {
      for (let index = 0; index < 60; index += 1) await system.create('Ward', { name: `w${index}` });
    });
    const { items, next, list } = offered((await form('chief', 'visits')).body, 'wardId');
    expect(items).toHaveLength(50);
    const rest = await app.request({ as: 'chief', url: `${list.replace('/wards', '')}?cursor=${next}` });
    expect(rest.body.items).toHaveLength(12);
  });

  test('the list of forms tells where, and no records', async () => {
    const { body } = await app.request({ as: 'nora', url: '/api/forms' });
    expect(body.items.map(({ id }: JsonBody) => id)).toEqual(['nurses', 'visits']);
    expect(offered(body.items[1], 'wardId')).toEqual({ type: 'Ward', list: '/wards/api/wards' });
    const all = (await app.request({ as: 'chief', url: '/api/forms' })).body.items;
    expect(all.map(({ id }: JsonBody) => id)).toEqual(['nurses', 'wards', 'posts', 'visits']);
  });
});

describe('what is refused', () => {
  test.each([
    ['an unknown form, to who may read all', 'nora', 'nothings', 404, 'not_found'],
    ['the form of forms', 'chief', 'forms', 404, 'not_found'],
    ['any form, to who may read none', 'temp', 'visits', 403, 'not_allowed'],
    ['an unknown form, to who may read none', 'temp', 'nothings', 403, 'not_allowed'],
    ['a record that is out of reach', 'nora', 'visits?id=West planned', 403, 'not_allowed'],
    ['one that does not exist, in the same words', 'nora', 'visits?id=none', 403, 'not_allowed'],
    ['a record that may be read, and not changed', 'carl', 'visits?id=East done', 403, 'not_allowed'],
    ['somebody else’s account', 'nora', 'nurses?id=carl', 403, 'not_allowed'],
    ['one that does not exist, to who may change all', 'chief', 'visits?id=none', 404, 'not_found'],
    ['another question', 'chief', 'visits?limit=1', 422, 'invalid_input'],
  ])('%s', async (_, as, name, status, code) => {
    const answer = await form(as, name);
    expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
  });

  test('the list, to who may read none; and nobody writes a form', async () => {
    expect((await app.request({ as: 'temp', url: '/api/forms' })).status).toBe(403);
    expect((await app.request({ as: 'chief', method: 'POST', url: '/api/forms', body: {} })).status).toBe(405);
  });
});

describe('other programs ask about forms as about records', () => {
  const evaluate = async (subject: string, resource: object, name = 'read') => {
    const body = { subject: { type: 'nurse', id: subject }, action: { name }, resource };
    return (await app.request({ as: 'chief', method: 'POST', url: '/access/v1/evaluation', body })).body.decision;
  };

  test.each([
    ['nora', { type: 'form', id: 'visits' }, true],
    ['nora', { type: 'forms', id: 'wards' }, true],
    ['nora', { type: 'form', id: 'nothings' }, false],
    ['temp', { type: 'form', id: 'visits' }, false],
  ])('%s reads %o: %s', async (who, resource, wanted) => {
    expect(await evaluate(who, resource)).toBe(wanted);
    expect(await evaluate(who, resource, 'list')).toBe(wanted);
  });

  test('and search them', async () => {
    const search = async (what: string, body: object) =>
      (await app.request({ as: 'chief', method: 'POST', url: `/access/v1/search/${what}`, body })).body.results;
    const nora = { type: 'nurse', id: 'nora' };
    const read = { name: 'read' };
    const forms = await search('resource', { subject: nora, action: read, resource: { type: 'form' } });
    expect(forms.map(({ id }: JsonBody) => id)).toEqual(['nurses', 'posts', 'visits', 'wards']);
    const actions = await search('action', { subject: nora, resource: { type: 'form', id: 'visits' } });
    expect(actions).toEqual([{ name: 'list' }, { name: 'read' }]);
    const resource = { type: 'form', id: 'visits' };
    expect(await search('subject', { subject: { type: 'nurse' }, action: read, resource })).toHaveLength(5);
    const batch = { subject: nora, action: read, evaluations: [{ resource }, { resource: { type: 'form', id: 'x' } }] };
    const answer = await app.request({ as: 'chief', method: 'POST', url: '/access/v1/evaluations', body: batch });
    expect(answer.body.evaluations.map(({ decision }: JsonBody) => decision)).toEqual([true, false]);
  });
});
