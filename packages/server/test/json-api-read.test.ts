import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { archive, idsByName } from './support/archive.js';

let app: TestApplication;
/** The ids of papers by their titles, and of everything else by its name. */
let ids: ReadonlyMap<string, string>;

beforeAll(async () => {
  app = await openApplication(archive);
  ids = await idsByName(app);
});
beforeEach(() => app.audit());
afterAll(() => app?.close());

const idOf = (name: string) => ids.get(name) ?? '';
const get = (url: string, as?: string): Promise<TestAnswer> => app.request({ url: fill(url), as });
/** Puts ids in the places of names: `/api/papers/{Alpha}`. */
const fill = (url: string) => url.replaceAll(/\{(\w+)\}/g, (_, name) => idOf(name));
const nameOf = (id: string) => [...ids].find(([, each]) => each === id)?.[0];
const names = ({ body }: TestAnswer) => body.data.map(({ id }: JsonBody) => nameOf(id));

describe('a document', () => {
  test('has attributes, and what refers to others as relationships', async () => {
    const { status, headers, body } = await get('/api/papers/{Alpha}', 'ada');
    expect([status, headers['content-type'], headers.etag, headers.vary]).toEqual([
      200,
      'application/vnd.api+json',
      '"1"',
      'accept',
    ]);
    const self = fill('/archive/api/papers/{Alpha}');
    const links = (name: string) => ({ self: `${self}/relationships/${name}`, related: `${self}/${name}` });
    expect(body).toEqual({
      jsonapi: { version: '1.1' },
      data: {
        type: 'papers',
        id: idOf('Alpha'),
        attributes: {
          title: 'Alpha',
          pages: 3,
          writtenOn: null,
          remark: 'draft',
          extra: null,
          shown: true,
          listed: false,
          createdAt: '2026-03-02T09:00:00.000Z',
          updatedAt: '2026-03-02T09:00:00.000Z',
        },
        relationships: {
          ownerId: { data: { type: 'persons', id: idOf('ada') }, links: links('ownerId') },
          answerTo: { data: null, links: links('answerTo') },
          topicIds: {
            data: [
              { type: 'topics', id: idOf('History') },
              { type: 'topics', id: idOf('Law') },
            ],
            links: links('topicIds'),
          },
          shelves: { links: links('shelves') },
        },
        links: { self },
        meta: { version: 1 },
      },
      links: { self },
    });
  });

  test('has nothing that its reader may not see, and no secrets', async () => {
    const { data } = (await get('/api/papers/{Alpha}', 'ben')).body;
    expect(Object.keys(data.attributes)).toEqual(['title', 'pages', 'writtenOn', 'shown', 'listed']);
    const person = (await get('/api/persons/{ada}', 'keeper')).body;
    expect(Object.keys(person.data.attributes)).toEqual(['login', 'keeper', 'createdAt', 'updatedAt']);
  });

  test('of what may be listed but not read is an identifier alone', async () => {
    const { body } = await get('/api/papers');
    const delta = body.data.find(({ id }: JsonBody) => id === idOf('Delta'));
    expect(delta).toEqual({ type: 'papers', id: idOf('Delta') });
    expect((await get('/api/papers/{Delta}')).status).toBe(403);
  });
});

describe('a list', () => {
  test.each<[who: string | undefined, query: string, found: readonly string[]]>([
    ['keeper', '', ['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon', 'Zeta']],
    [undefined, '', ['Alpha', 'Beta', 'Gamma', 'Delta', 'Zeta']],
    ['ben', '', ['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon', 'Zeta']],
    ['keeper', 'sort=-title', ['Zeta', 'Gamma', 'Epsilon', 'Delta', 'Beta', 'Alpha']],
    ['keeper', 'sort=pages,-title', ['Delta', 'Epsilon', 'Beta', 'Alpha', 'Gamma', 'Zeta']],
    ['keeper', 'sort=-pages,title&page[size]=2&page[number]=2', ['Alpha', 'Beta']],
    ['keeper', 'filter[title]=Beta', ['Beta']],
    ['keeper', 'filter[title][contains]=LPH', ['Alpha']],
    ['keeper', 'filter[title][contains]=%25', []],
    ['keeper', 'filter[pages][ge]=3&filter[pages][lt]=9', ['Alpha', 'Beta']],
    ['keeper', 'filter[pages][null]=true', ['Zeta']],
    ['keeper', 'filter[answerTo]={Delta}', ['Epsilon', 'Zeta']],
    ['keeper', 'filter[topicIds]={Law}', ['Alpha', 'Gamma']],
    ['keeper', 'filter[title][in]=Alpha,Zeta', ['Alpha', 'Zeta']],
    ['keeper', 'page[size]=2&page[number]=4', []],
    // What may be listed only is not found by what it holds.
    ['ada', 'filter[pages]=1', []],
    ['ada', 'sort=-title', ['Zeta', 'Gamma', 'Beta', 'Alpha']],
    ['keeper', 'filter[remark]=draft', ['Alpha']],
  ])('as %s, %s', async (as, query, found) => {
    const answer = await get(`/api/papers?${query}`, as);
    expect([answer.status, names(answer)]).toEqual([200, found]);
  });

  test('by what its reader may not see of each record is refused', async () => {
    const answer = await get('/api/papers?filter[remark]=draft', 'ada');
    expect([answer.status, answer.body.errors[0].code]).toEqual([403, 'field_not_allowed']);
  });

  test.each([
    ['by number', ''],
    ['by several keys', '&sort=pages,-title'],
    ['after what the page before ended with', '&page[after]='],
    ['after that, in an order', '&page[after]=&sort=-pages'],
  ])('is walked to its end %s, each record once', async (_, query) => {
    const seen: string[] = [];
    let url: string | null = `/archive/api/papers?page[size]=2${query}`;
    while (url !== null) {
      const { status, body }: TestAnswer = await app.root({ url, as: 'keeper' });
      expect(status).toBe(200);
      expect(body.links.self).toBe(url);
      seen.push(...body.data.map(({ id }: JsonBody) => nameOf(id)));
      url = body.links.next;
    }
    expect([...seen].sort()).toEqual(['Alpha', 'Beta', 'Delta', 'Epsilon', 'Gamma', 'Zeta']);
  });

  test('tells how many there are for its reader, and where the other pages are', async () => {
    const { links, meta } = (await get('/api/papers?page[size]=2&page[number]=2&sort=title')).body;
    const page = (number: number) => `/archive/api/papers?page%5Bsize%5D=2&sort=title&page%5Bnumber%5D=${number}`;
    expect(links).toMatchObject({ first: page(1), prev: page(1), next: null, last: page(2) });
    expect(meta).toMatchObject({ total: 4 });
    expect((await get('/api/papers')).body.meta.total).toBe(5);
    expect((await get('/api/papers?filter[pages]=3', 'keeper')).body.meta.total).toBe(2);
  });

  test('by a cursor is not counted, and goes on from any page', async () => {
    const { meta } = (await get('/api/papers?page[size]=2', 'keeper')).body;
    const next = await get(`/api/papers?page[size]=2&page[after]=${meta.after}`, 'keeper');
    expect(names(next)).toEqual(['Gamma', 'Delta']);
    expect(next.body.meta).not.toHaveProperty('total');
  });

  test('tells the fields that are asked for', async () => {
    const { body } = await get('/api/papers?filter[title]=Beta&fields[papers]=pages,answerTo', 'keeper');
    expect(body.data[0].attributes).toEqual({ pages: 3 });
    expect(Object.keys(body.data[0].relationships)).toEqual(['answerTo']);
    const none = (await get('/api/papers?filter[title]=Beta&fields[papers]=', 'keeper')).body.data[0];
    expect(Object.keys(none)).toEqual(['type', 'id', 'links', 'meta']);
  });
});

describe('what is not understood is a 400 that names the parameter', () => {
  test.each([
    ['limit=3', 'limit'],
    ['Page[size]=3', 'Page[size]'],
    ['page[size]=0', 'page[size]'],
    ['page[size]=201', 'page[size]'],
    ['page[number]=0', 'page[number]'],
    ['page[number]=2&page[after]=', 'page[number]'],
    ['page[after]=&sort=pages,title', 'sort'],
    ['sort=nothing', 'sort'],
    ['sort=extra', 'sort'],
    ['sort=password', 'sort'],
    ['filter[nothing]=1', 'filter[nothing]'],
    ['filter[pages][contains]=1', 'filter[pages][contains]'],
    ['filter[pages]=many', 'filter[pages]'],
    ['filter[pages]=1&filter[pages]=2', 'filter[pages]'],
    ['include=nothing', 'include'],
    ['include=ownerId.nothing', 'include'],
    ['include=answerTo.answerTo.answerTo.answerTo', 'include'],
    ['fields[nothing]=title', 'fields[nothing]'],
    ['fields[papers]=nothing', 'fields[papers]'],
    ['fields[persons]=password2', 'fields[persons]'],
  ])('%s', async (query, parameter) => {
    const { status, body } = await get(`/api/papers?${query}`, 'keeper');
    expect([status, body.errors[0].status, body.errors[0].source]).toEqual([400, '400', { parameter }]);
  });

  test('a cursor of another order', async () => {
    const { after } = (await get('/api/papers?page[size]=2&sort=title', 'keeper')).body.meta;
    const { status, body } = await get(`/api/papers?sort=-title&page[after]=${after}`, 'keeper');
    expect([status, body.errors[0].code]).toEqual([400, 'invalid_cursor']);
  });
});

describe('what comes along', () => {
  const included = ({ body }: TestAnswer) => body.included.map(({ id }: JsonBody) => nameOf(id)).sort();

  test.each<[who: string | undefined, query: string, found: readonly string[]]>([
    ['keeper', 'filter[title]=Gamma&include=answerTo', ['Beta']],
    ['keeper', 'filter[title]=Gamma&include=answerTo.answerTo', ['Alpha', 'Beta']],
    [
      'keeper',
      'filter[title]=Gamma&include=answerTo.answerTo.shelves,topicIds',
      ['Alpha', 'Beta', 'Law', 'Lower', 'Upper'],
    ],
    ['keeper', 'include=answerTo', []],
    ['keeper', 'filter[title]=Alpha&include=ownerId.shelves', ['Upper', 'ada']],
    ['keeper', 'include=', []],
    // Of Zeta's answer there is an identifier alone, and of persons who they are: neither may be read.
    [undefined, 'filter[title]=Zeta&include=answerTo,ownerId', []],
    ['ada', 'filter[title]=Alpha&include=ownerId', ['ada']],
    ['ben', 'filter[title]=Alpha&include=ownerId', []],
  ])('as %s, %s', async (as, query, found) => {
    const answer = await get(`/api/papers?${query}`, as);
    expect(answer.status).toBe(200);
    expect(answer.body.included === undefined ? [] : included(answer)).toEqual(found);
  });

  test('is masked for its reader, and is linked to', async () => {
    const { body } = await get('/api/papers/{Beta}?include=answerTo,shelves', 'ben');
    expect(body.included.map(({ id }: JsonBody) => nameOf(id))).toEqual(['Alpha']);
    expect(body.included[0].attributes).not.toHaveProperty('remark');
    expect(body.data.relationships.shelves.data).toEqual([]);
  });

  test.each([
    ['/api/letters?include=aboutId', ['record.listed list 2']],
    ['/api/letters?filter[text]=Answer&include=answerTo', ['record.listed list 1', 'record.listed read 1']],
    ['/api/letters/{Answer}/answerTo', ['record.read read 1', 'record.read read 1']],
    ['/api/letters/{Answer}/relationships/answerTo', ['record.read read 1']],
    ['/api/letters?include=nothing', []],
  ])('%s: what is read of a sensitive type is audited', async (url, entries) => {
    await get(url, 'ada');
    const told = (await app.audit()).filter(({ resource_type }) => resource_type === 'Letter');
    const count = (detail: JsonBody) => detail.records?.length ?? 1;
    expect(told.map(({ event, action, detail }) => `${event} ${action} ${count(detail)}`)).toEqual(entries);
  });
});

describe('relationships', () => {
  test.each<[who: string | undefined, url: string, found: readonly string[] | string | null]>([
    ['keeper', '/api/papers/{Beta}/answerTo', 'Alpha'],
    ['keeper', '/api/papers/{Alpha}/answerTo', null],
    ['keeper', '/api/papers/{Alpha}/topicIds', ['History', 'Law']],
    ['keeper', '/api/papers/{Alpha}/topicIds?filter[name]=Law', ['Law']],
    ['keeper', '/api/papers/{Alpha}/shelves', ['Upper', 'Lower']],
    ['keeper', '/api/papers/{Alpha}/shelves?sort=name&page[size]=1', ['Lower']],
    ['keeper', '/api/shelves/{Lower}/papers', ['Alpha', 'Delta']],
    [undefined, '/api/shelves/{Lower}/papers', ['Alpha']],
    ['keeper', '/api/shelves/{Locked}/papers', []],
    ['keeper', '/api/papers/{Beta}/relationships/answerTo', 'Alpha'],
    ['keeper', '/api/papers/{Alpha}/relationships/answerTo', null],
    ['keeper', '/api/papers/{Alpha}/relationships/topicIds', ['History', 'Law']],
    ['keeper', '/api/papers/{Alpha}/relationships/shelves', ['Upper', 'Lower']],
    ['keeper', '/api/papers/{Alpha}/relationships/shelves?page[size]=1&page[number]=2', ['Lower']],
    [undefined, '/api/shelves/{Lower}/relationships/papers', ['Alpha']],
    [undefined, '/api/papers/{Zeta}/relationships/answerTo', 'Delta'],
  ])('as %s, %s', async (as, url, found) => {
    const { status, body } = await get(url, as);
    expect(status).toBe(200);
    const told = (each: JsonBody) => (each === null ? null : nameOf(each.id));
    expect(Array.isArray(body.data) ? body.data.map(told) : told(body.data)).toEqual(found);
    const whole = [body.data].flat()[0]?.attributes !== undefined;
    expect(whole).toBe(!url.includes('/relationships/') && [found].flat()[0] != null);
    expect(body.links.self).toBe(`/archive${fill(url)}`);
  });

  test.each([
    ['ben', '/api/papers/{Alpha}/ownerId', 403, 'not_allowed'],
    [undefined, '/api/papers/{Zeta}/answerTo', 403, 'not_allowed'],
    [undefined, '/api/papers/{Epsilon}/shelves', 403, 'not_allowed'],
    [undefined, '/api/papers/{Delta}/relationships/shelves', 403, 'not_allowed'],
    ['keeper', '/api/papers/{Upper}/shelves', 404, 'not_found'],
    ['keeper', '/api/papers/{Alpha}/nothing', 404, 'not_found'],
    ['keeper', '/api/papers/{Alpha}/title', 404, 'not_found'],
    ['keeper', '/api/papers/{Alpha}/relationships/title', 404, 'not_found'],
  ])('as %s, not %s: %i', async (as, url, status, code) => {
    const answer = await get(url, as);
    expect([answer.status, answer.headers['content-type'], answer.body.errors[0].code]).toEqual([
      status,
      'application/vnd.api+json',
      code,
    ]);
  });
});

describe('media types', () => {
  const type = 'application/vnd.api+json';
  test.each([
    ['*/*', 200],
    ['application/json', 200],
    [type, 200],
    [`${type}; q=0.5`, 200],
    [`${type}; profile="https://example.com/a,b;c"`, 200],
    [`${type}; charset=utf-8, ${type}`, 200],
    [`${type}; charset=utf-8`, 406],
    [`${type};ext="https://example.com/ext", text/html`, 406],
  ])('Accept: %s → %i', async (accept, status) => {
    const answer = await app.request({ url: '/api/papers', headers: { accept } });
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
    if (status === 406) expect(answer.body.errors[0].code).toBe('not_acceptable');
  });
});

describe('what else is there', () => {
  test('addresses beside the records answer as they do anywhere', async () => {
    expect((await app.request({ url: '/auth/me', token: 'x' })).headers['content-type']).toMatch(
      /^application\/problem/,
    );
    expect((await get('/nothing')).headers['content-type']).toMatch(/^application\/problem/);
    expect((await get('/auth/me', 'ada')).headers['content-type']).toMatch(/^application\/json/);
  });

  test('methods that are not offered are a 405, with those that are', async () => {
    const { status, headers, body } = await app.request({ method: 'DELETE', url: '/api/papers' });
    expect([status, headers.allow, body.errors[0].code]).toEqual([405, 'GET, HEAD, POST', 'method_not_allowed']);
    const own = fill('/api/papers/{Alpha}/relationships/ownerId');
    const answer = await app.request({ method: 'PATCH', url: own, as: 'ada', body: { data: null } });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  test('a refusal says what would be needed', async () => {
    const { body } = await get('/api/papers/{Epsilon}', 'ada');
    expect(body.errors).toMatchObject([
      {
        status: '403',
        code: 'not_allowed',
        title: 'You are not allowed to do this',
        meta: { missing: expect.any(Array) },
      },
    ]);
    const [entry] = await app.audit();
    expect(body.errors[0].meta).toMatchObject({ decision: entry?.decision_id, requestId: entry?.request_id });
  });

  test('OpenAPI tells the documents, and each operation once', async () => {
    const { paths } = (await get('/openapi.json')).body;
    const { get: list, post } = paths['/api/papers'];
    expect(Object.keys(post.requestBody.content)).toEqual(['application/vnd.api+json', 'application/json']);
    const { data } = post.requestBody.content['application/json'].schema.properties;
    expect(data.properties.attributes.required).toEqual(['title']);
    expect(Object.keys(data.properties.relationships.properties)).toEqual(['answerTo', 'topicIds', 'shelves']);
    expect(Object.keys(list.responses[200].content)).toEqual(['application/vnd.api+json']);
    expect(list.parameters.map(({ name }: JsonBody) => name)).toEqual(
      expect.arrayContaining(['page[size]', 'page[after]', 'sort', 'include', 'filter[pages][ge]', 'fields[shelves]']),
    );
    const operations = Object.values<JsonBody>(paths).flatMap((item) => Object.values<JsonBody>(item));
    const named = operations.map(({ operationId }) => operationId);
    expect(new Set(named).size).toBe(named.length);
  });
});
