import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication, type TestRequest } from './support/application.js';
import { archive, idsByName } from './support/archive.js';

let app: TestApplication;
let ids: ReadonlyMap<string, string>;

beforeAll(async () => {
  app = await openApplication(archive);
  ids = await idsByName(app);
  for (const login of ['keeper', 'ada', 'ben']) await app.login(login);
});
beforeEach(() => app.audit());
afterAll(() => app?.close());

const idOf = (name: string) => ids.get(name) ?? '';
const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, name) => idOf(name));
const type = 'application/vnd.api+json';
/** Sends what has names in the places of ids. */
const send = (request: TestRequest) =>
  app.request({
    headers: { 'content-type': type },
    ...request,
    url: fill(request.url),
    ...(request.body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(request.body))) }),
  });
const paper = (data: object) => ({ data: { type: 'papers', ...data } });
const shelves = (...names: string[]) => ({ data: names.map((name) => ({ type: 'shelves', id: `{${name}}` })) });
const topics = (...names: string[]) => ({ data: names.map((name) => ({ type: 'topics', id: `{${name}}` })) });
const events = async () => (await app.audit()).map(({ event, resource_type }) => `${event} ${resource_type}`);

/** A paper of Ada's with these shelves. */
async function made(...names: string[]): Promise<string> {
  const answer = await send({
    as: 'ada',
    method: 'POST',
    url: '/api/papers',
    body: paper({ attributes: { title: 'Mine' }, relationships: { shelves: shelves(...names) } }),
  });
  expect(answer.status).toBe(201);
  await app.audit();
  return answer.body.data.id;
}

async function linked(id: string, relationship = 'shelves'): Promise<readonly string[]> {
  const { body } = await send({ as: 'keeper', url: `/api/papers/${id}/relationships/${relationship}` });
  const nameOf = (each: string) => [...ids].find(([, known]) => known === each)?.[0] ?? each;
  return body.data.map((each: JsonBody) => nameOf(each.id)).sort();
}

describe('creating', () => {
  test('a record with its references, and with what links it to others, at once', async () => {
    const { status, headers, body } = await send({
      as: 'ada',
      method: 'POST',
      url: '/api/papers',
      body: {
        ...paper({
          attributes: { title: 'Eta', pages: 4, extra: { '@kept': [1] }, '@ignored': true },
          relationships: {
            answerTo: { data: { type: 'papers', id: '{Beta}' }, '@ignored': 1 },
            topicIds: topics('Law', 'Law'),
            shelves: shelves('Upper', 'Lower'),
          },
          '@ignored': {},
          meta: { of: 'mine' },
        }),
        '@ignored': null,
      },
    });
    expect(status).toBe(201);
    const { id } = body.data;
    expect(headers).toMatchObject({ etag: '"1"', 'content-type': type, location: `/archive/api/papers/${id}` });
    expect(body.links.self).toBe(headers.location);
    expect(body.data.attributes).toMatchObject({ title: 'Eta', pages: 4, extra: { '@kept': [1] } });
    expect(body.data.relationships).toMatchObject({
      ownerId: { data: { id: idOf('ada') } },
      answerTo: { data: { id: idOf('Beta') } },
      topicIds: { data: [{ id: idOf('Law') }] },
    });
    expect(await events()).toEqual(['record.created Paper', 'record.created Place', 'record.created Place']);
    expect(await linked(id)).toEqual(['Lower', 'Upper']);
  });

  test('is refused as a whole where one link is', async () => {
    const before = await app.fingerprint();
    const { status, body } = await send({
      as: 'ada',
      method: 'POST',
      url: '/api/papers',
      body: paper({ attributes: { title: 'No' }, relationships: { shelves: shelves('Upper', 'Locked') } }),
    });
    expect([status, body.errors[0].code]).toEqual([403, 'not_allowed']);
    expect(await app.fingerprint()).toBe(before);
    expect(await events()).toEqual(['access.refused Place']);
  });

  const topic = (attributes: object, more: object = {}) => ({ data: { type: 'topics', attributes, ...more } });
  test.each<[what: string, url: string, body: unknown, status: number, code: string, source: object | undefined]>([
    ['nothing', '/api/topics', {}, 422, 'invalid_input', { pointer: '/data' }],
    ['null', '/api/topics', { data: null }, 422, 'invalid_input', { pointer: '/data' }],
    ['a list', '/api/topics', { data: [] }, 422, 'invalid_input', { pointer: '/data' }],
    [
      'no type',
      '/api/topics',
      { data: { attributes: { name: 'A' } } },
      422,
      'invalid_input',
      { pointer: '/data/type' },
    ],
    ['another type', '/api/topics', paper({ attributes: { name: 'A' } }), 409, 'conflict', { pointer: '/data/type' }],
    ['an id', '/api/topics', topic({ name: 'A' }, { id: '{Law}' }), 403, 'field_not_allowed', undefined],
    ['no attributes', '/api/topics', topic({}), 422, 'invalid_input', { pointer: '/data/attributes/name' }],
    ['a wrong value', '/api/topics', topic({ name: 1 }), 422, 'invalid_input', { pointer: '/data/attributes/name' }],
    [
      'what is not known',
      '/api/topics',
      topic({ name: 'A', b: 1 }),
      422,
      'invalid_input',
      { pointer: '/data/attributes/b' },
    ],
    [
      'a member that is not known',
      '/api/topics',
      { ...topic({ name: 'A' }), b: 1 },
      422,
      'invalid_input',
      { pointer: '/b' },
    ],
    [
      'what is there already',
      '/api/topics',
      topic({ name: 'Law' }),
      409,
      'already_exists',
      { pointer: '/data/attributes/name' },
    ],
    [
      'a reference as an attribute',
      '/api/papers',
      paper({ attributes: { title: 'A', answerTo: '{Beta}' } }),
      422,
      'invalid_input',
      { pointer: '/data/attributes/answerTo' },
    ],
    [
      'what the server fills',
      '/api/papers',
      paper({ attributes: { title: 'A' }, relationships: { ownerId: { data: { type: 'persons', id: '{ben}' } } } }),
      422,
      'invalid_input',
      { pointer: '/data/relationships/ownerId' },
    ],
    [
      'a relationship without data',
      '/api/papers',
      paper({ attributes: { title: 'A' }, relationships: { answerTo: {} } }),
      422,
      'invalid_input',
      { pointer: '/data/relationships/answerTo/data' },
    ],
    [
      'an identifier of another type',
      '/api/papers',
      paper({ attributes: { title: 'A' }, relationships: { topicIds: shelves('Upper') } }),
      422,
      'invalid_input',
      { pointer: '/data/relationships/topicIds/data/0/type' },
    ],
    [
      'a reference to nothing',
      '/api/papers',
      paper({ attributes: { title: 'A' }, relationships: { answerTo: { data: { type: 'papers', id: '{Law}' } } } }),
      404,
      'reference_not_found',
      undefined,
    ],
    [
      'a set with a reference to nothing',
      '/api/papers',
      paper({ attributes: { title: 'A' }, relationships: { topicIds: { data: [{ type: 'topics', id: '{Beta}' }] } } }),
      404,
      'reference_not_found',
      { pointer: '/data/relationships/topicIds' },
    ],
    ['a parameter', '/api/topics?include=a', topic({ name: 'A' }), 400, 'invalid_input', { parameter: 'include' }],
  ])('%s is refused', async (_, url, body, status, code, source) => {
    const before = await app.fingerprint();
    const answer = await send({ as: 'keeper', method: 'POST', url, body });
    expect([answer.status, answer.body.errors[0].code, answer.body.errors[0].source]).toEqual([status, code, source]);
    expect(answer.body.errors[0].status).toBe(String(status));
    expect(await app.fingerprint()).toBe(before);
  });

  test.each([
    ['application/json', 201],
    [type, 201],
    [`${type}; profile="https://example.com/profile"`, 201],
    [`${type}; charset=utf-8`, 415],
    [`${type}; ext="https://example.com/ext"`, 415],
    ['text/plain', 415],
  ])('sent as %s → %i', async (contentType, status) => {
    const body = { data: { type: 'topics', attributes: { name: `As ${contentType}` } } };
    const answer = await send({
      as: 'keeper',
      method: 'POST',
      url: '/api/topics',
      headers: { 'content-type': contentType },
      body,
    });
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
  });
});

describe('changing', () => {
  test('fields and references, for who has seen the version', async () => {
    const id = await made();
    const body = paper({
      id,
      attributes: { pages: 7 },
      relationships: { answerTo: { data: { type: 'papers', id: '{Alpha}' } } },
    });
    const patch = (version: string) =>
      send({
        as: 'ada',
        method: 'PATCH',
        url: `/api/papers/${id}`,
        headers: { 'content-type': type, 'if-match': version },
        body,
      });
    const { status, headers, body: answer } = await patch('"1"');
    expect([status, headers.etag, answer.data.meta.version, answer.data.attributes.pages]).toEqual([200, '"2"', 2, 7]);
    expect(answer.data.relationships.answerTo.data).toEqual({ type: 'papers', id: idOf('Alpha') });
    const late = await patch('"1"');
    expect([late.status, late.body.errors[0].code]).toEqual([412, 'version_mismatch']);
  });

  test('what links it replaces the links, in the caller’s name', async () => {
    const id = await made('Upper');
    const relationships = { shelves: shelves('Lower') };
    const answer = await send({
      as: 'ada',
      method: 'PATCH',
      url: `/api/papers/${id}`,
      body: paper({ id, relationships }),
    });
    expect(answer.status).toBe(200);
    expect(await events()).toEqual(['record.deleted Place', 'record.created Place']);
    expect(await linked(id)).toEqual(['Lower']);
    const stranger = await send({
      as: 'ben',
      method: 'PATCH',
      url: `/api/papers/${id}`,
      body: paper({ id, relationships }),
    });
    expect(stranger.status).toBe(403);
  });

  test.each<[what: string, data: object, status: number, pointer: string]>([
    ['another record than that of the address', { id: '{Beta}', attributes: { pages: 1 } }, 409, '/data/id'],
    ['no id', { attributes: { pages: 1 } }, 422, '/data/id'],
    ['nothing', { id: '{Alpha}' }, 422, '/data'],
    ['nothing but what is ignored', { id: '{Alpha}', attributes: { '@a': 1 }, meta: { b: 1 } }, 422, '/data'],
    ['another type', { id: '{Alpha}', type: 'topics', attributes: { pages: 1 } }, 409, '/data/type'],
    [
      'null in the place of several',
      { id: '{Alpha}', relationships: { shelves: { data: null } } },
      422,
      '/data/relationships/shelves/data',
    ],
  ])('%s is refused', async (_, data, status, pointer) => {
    const answer = await send({ as: 'ada', method: 'PATCH', url: '/api/papers/{Alpha}', body: paper(data) });
    expect([answer.status, answer.body.errors[0].source]).toEqual([status, { pointer }]);
  });

  test('a password that is too weak is refused', async () => {
    const body = { data: { type: 'persons', id: '{ada}', attributes: { password: 'password' } } };
    const { status, body: answer } = await send({ as: 'keeper', method: 'PATCH', url: '/api/persons/{ada}', body });
    expect([status, answer.errors[0].code]).toEqual([422, 'weak_password']);
  });
});

describe('deleting', () => {
  test('a record', async () => {
    const id = await made('Upper');
    const answer = await send({ as: 'ada', method: 'DELETE', url: `/api/papers/${id}`, headers: {} });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await send({ as: 'keeper', url: `/api/papers/${id}` })).status).toBe(404);
  });

  test('what is kept instead says so', async () => {
    const answer = await send({ as: 'keeper', method: 'DELETE', url: '/api/topics/{Law}', headers: {} });
    expect([answer.status, answer.body.meta]).toEqual([200, { kept: 'It is kept: nobody is above it.' }]);
  });

  test('what others refer to is a conflict', async () => {
    const answer = await send({ as: 'keeper', method: 'DELETE', url: '/api/topics/{History}', headers: {} });
    expect([answer.status, answer.body.errors[0].code]).toEqual([409, 'still_referenced']);
  });
});

describe('a relationship at its own address', () => {
  const change = (id: string, name: string, method: 'PATCH' | 'POST' | 'DELETE', body: unknown, as = 'ada') =>
    send({ as, method, url: `/api/papers/${id}/relationships/${name}`, body });

  test('to one: is set, and emptied', async () => {
    const id = await made();
    const set = await change(id, 'answerTo', 'PATCH', { data: { type: 'papers', id: '{Beta}' } });
    expect([set.status, set.headers.etag, set.text]).toEqual([204, '"2"', '']);
    const show = async () => (await send({ as: 'ada', url: `/api/papers/${id}/relationships/answerTo` })).body.data;
    expect(await show()).toEqual({ type: 'papers', id: idOf('Beta') });
    expect((await change(id, 'answerTo', 'PATCH', { data: null })).status).toBe(204);
    expect(await show()).toBeNull();
  });

  test.each<
    [
      what: string,
      steps: readonly (readonly ['PATCH' | 'POST' | 'DELETE', readonly string[]])[],
      left: readonly string[],
    ]
  >([
    ['added to', [['POST', ['Upper']]], ['Upper']],
    [
      'added to twice',
      [
        ['POST', ['Upper', 'Upper']],
        ['POST', ['Upper', 'Lower']],
      ],
      ['Lower', 'Upper'],
    ],
    [
      'taken out of',
      [
        ['POST', ['Upper', 'Lower']],
        ['DELETE', ['Upper']],
      ],
      ['Lower'],
    ],
    [
      'taken out of what it is not in',
      [
        ['POST', ['Lower']],
        ['DELETE', ['Upper']],
      ],
      ['Lower'],
    ],
    [
      'replaced',
      [
        ['POST', ['Upper']],
        ['PATCH', ['Lower']],
      ],
      ['Lower'],
    ],
    [
      'emptied',
      [
        ['POST', ['Upper']],
        ['PATCH', []],
      ],
      [],
    ],
  ])('to many, through others and as a set: is %s', async (_, steps, left) => {
    const id = await made();
    const topicOf: Readonly<Record<string, string>> = { Upper: 'History', Lower: 'Law' };
    for (const [method, names] of steps) {
      expect((await change(id, 'shelves', method, shelves(...names))).status).toBe(204);
      const own = names.map((name) => topicOf[name] ?? '');
      expect((await change(id, 'topicIds', method, topics(...own))).status).toBe(204);
    }
    expect(await linked(id)).toEqual(left);
    expect(await linked(id, 'topicIds')).toEqual(left.map((name) => topicOf[name]).sort());
  });

  test('each link is decided on by its own rules, and all or none are changed', async () => {
    const id = await made('Lower');
    await send({
      as: 'keeper',
      method: 'POST',
      url: `/api/papers/${id}/relationships/shelves`,
      body: shelves('Locked'),
    });
    const before = await app.fingerprint();
    for (const [method, names] of [
      ['PATCH', ['Upper']],
      ['DELETE', ['Lower', 'Locked']],
    ] as const) {
      const answer = await change(id, 'shelves', method, shelves(...names));
      expect([answer.status, answer.body.errors[0].code]).toEqual([403, 'not_allowed']);
    }
    expect((await change('{Gamma}', 'shelves', 'POST', shelves('Upper'))).status).toBe(403);
    expect(await app.fingerprint()).toBe(before);
  });

  test.each<[what: string, id: string, name: string, body: unknown, status: number, code: string]>([
    ['no data', '{Alpha}', 'shelves', {}, 422, 'invalid_input'],
    [
      'one in the place of several',
      '{Alpha}',
      'shelves',
      { data: { type: 'shelves', id: '{Upper}' } },
      422,
      'invalid_input',
    ],
    ['another type', '{Alpha}', 'shelves', topics('Law'), 422, 'invalid_input'],
    [
      'what does not exist',
      '{Alpha}',
      'topicIds',
      { data: [{ type: 'topics', id: '{Beta}' }] },
      404,
      'reference_not_found',
    ],
    ['of what does not exist', '{Law}', 'topicIds', topics('Law'), 403, 'not_allowed'],
    ['links of what does not exist', '{Law}', 'shelves', shelves('Upper'), 403, 'not_allowed'],
    ['of what is not known to be there', '{Epsilon}', 'shelves', shelves('Upper'), 403, 'not_allowed'],
  ])('%s is refused', async (_, id, name, body, status, code) => {
    const answer = await change(id, name, 'POST', body);
    expect([answer.status, answer.body.errors[0].code]).toEqual([status, code]);
  });
});

test('a named action takes and answers plain JSON, and its problems are as those of its neighbours', async () => {
  const answer = await send({ as: 'ada', method: 'POST', url: '/api/papers/{Alpha}/stamp', body: {} });
  expect([answer.status, answer.body]).toEqual([200, { stamped: true }]);
  const refused = await send({ as: 'ben', method: 'POST', url: '/api/papers/{Alpha}/stamp', body: {} });
  expect([refused.status, refused.headers['content-type']]).toEqual([403, type]);
});
