import { createHmac } from 'node:crypto';
import { application as openDataCapture } from '@ostiary/open-data-capture';
import { createServer } from '@ostiary/server/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication, type TestRequest } from './support/application.js';
import { board } from './support/board.js';
import { trials } from './support/trials.js';

/** Operations that answer whoever asks, and why. This list may only shrink. */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'POST /auth/login': {
    'no credentials': 'this is where credentials are checked',
    'a token that is none': 'this is where credentials are checked',
    'a token that has expired': 'this is where credentials are checked',
    'a token of another application': 'this is where credentials are checked',
    'a token under another secret': 'this is where credentials are checked',
    'somebody without rights': 'this is where credentials are checked',
  },
  'POST /setup': {
    'no credentials': 'the token of a set-up link is the credential',
    'a token that is none': 'the token of a set-up link is the credential',
    'a token that has expired': 'the token of a set-up link is the credential',
    'a token of another application': 'the token of a set-up link is the credential',
    'a token under another secret': 'the token of a set-up link is the credential',
    'somebody without rights': 'the token of a set-up link is the credential',
  },
  'GET /auth/sign-on': openToAll('tells which buttons a page for logging in has'),
  'GET /auth/sign-on/{provider}': openToAll('this is where people prove who they are'),
  'GET /auth/sign-on/{provider}/callback': openToAll('this is where people prove who they are'),
  'POST /auth/sign-on/token': openToAll('the one-time code is the credential'),
  'GET /auth/links': { 'somebody without rights': 'everyone may know which accounts of theirs let them in' },
  'DELETE /auth/links/{id}': {
    'somebody without rights': 'everyone may undo a link of their own: here, there is none',
  },
  'GET /auth/me': { 'somebody without rights': 'everyone may know who they are logged in as' },
  'POST /auth/logout': { 'somebody without rights': 'everyone may end their own session' },
  'GET /access/v1/rights': { 'somebody without rights': 'everyone may know their own rights: here, none' },
  'GET /.well-known/authzen-configuration': {
    'no credentials': 'tells only where decisions are asked for',
    'a token that is none': 'tells only where decisions are asked for',
    'a token that has expired': 'tells only where decisions are asked for',
    'a token of another application': 'tells only where decisions are asked for',
    'a token under another secret': 'tells only where decisions are asked for',
    'somebody without rights': 'tells only where decisions are asked for',
  },
  'POST /access/v1/evaluations': { 'somebody without rights': 'everyone may ask about themselves' },
  'POST /access/v1/search/resource': { 'somebody without rights': 'everyone may ask about themselves' },
  'POST /access/v1/search/action': { 'somebody without rights': 'everyone may ask about themselves' },
  'POST /access/v1/evaluation': { 'somebody without rights': 'everyone may ask about themselves' },
  'POST /access/v1/explanation': { 'somebody without rights': 'everyone may ask about themselves' },
};

function openToAll(why: string): Readonly<Record<string, string>> {
  return {
    'no credentials': why,
    'a token that is none': why,
    'a token that has expired': why,
    'a token of another application': why,
    'a token under another secret': why,
    'somebody without rights': why,
  };
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options', 'trace'];

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly definition: JsonBody;
}

function operationsOf(document: JsonBody): readonly Operation[] {
  return Object.entries<JsonBody>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      path,
      definition: item[method],
    })),
  );
}

let app: TestApplication;
let other: TestApplication;
let document: JsonBody;
let tokens: Readonly<Record<string, string | undefined>>;
let id: string;

beforeAll(async () => {
  app = await openApplication(openDataCapture, { beside: [trials] });
  document = (await app.request({ url: '/openapi.json' })).body;
  id = await app.idOf('User', 'username', 'norole');

  const expired = await app.request({
    method: 'POST',
    url: '/auth/login',
    body: { username: 'admin', password: 'ostiary-demo' },
  });
  app.clock.advance(2 * 24 * 60 * 60);
  const ofTrials = await app.root({
    method: 'POST',
    url: '/trials/auth/login',
    body: { login: 'director', password: 'ostiary-demo' },
  });
  const admin = await app.login('admin');
  const signed = admin.slice(0, admin.lastIndexOf('.'));
  const forged = `${signed}.${createHmac('sha256', 'another secret, of more than 32 characters').update(signed).digest('base64url')}`;
  tokens = {
    'no credentials': undefined,
    'a token that is none': 'garbage',
    'a token that has expired': expired.body.accessToken,
    'a token of another application': ofTrials.body.accessToken,
    'a token under another secret': forged,
    'somebody without rights': await app.login('norole'),
  };
});
afterAll(async () => {
  await app?.close();
  await other?.close();
});

/** A request that the operation would understand, as far as its shape goes. */
function requestFor({ method, path }: Operation, record: string): TestRequest {
  const body = method === 'get' || method === 'delete' ? undefined : {};
  return {
    method: method.toUpperCase() as NonNullable<TestRequest['method']>,
    url: path.replaceAll(/\{\w+\}/g, record),
    ...(body === undefined ? {} : { body }),
  };
}

describe('nobody gets in without rights', () => {
  test.each([
    'no credentials',
    'a token that is none',
    'a token that has expired',
    'a token of another application',
    'a token under another secret',
    'somebody without rights',
  ])('%s', async (who) => {
    const token = tokens[who];
    const before = await app.fingerprint();
    const answered: string[] = [];
    for (const operation of operationsOf(document)) {
      // The last one would end the session that the others are tried with.
      if (operation.name === 'POST /auth/logout' && who === 'somebody without rights') {
        answered.push(operation.name);
        continue;
      }
      const asked = { ...requestFor(operation, id), ...(token === undefined ? {} : { token }) };
      const answer = await app.request(asked);
      const refused = who === 'somebody without rights' ? [403] : [401];
      if (!refused.includes(answer.status)) answered.push(operation.name);
      else {
        expect(answer.headers['content-type'], operation.name).toMatch(/^application\/problem\+json/);
        expect(answer.body, operation.name).toMatchObject({ status: answer.status, code: expect.any(String) });
        if (answer.status === 401) expect(answer.headers['www-authenticate'], operation.name).toMatch(/^Bearer/);
      }
    }
    const allowed = Object.keys(EXCEPTIONS).filter((name) => EXCEPTIONS[name]?.[who] !== undefined);
    expect(
      answered.filter((name) => !allowed.includes(name)),
      'these operations answer somebody who has no rights: guard them',
    ).toEqual([]);
    expect(
      allowed.filter((name) => !answered.includes(name)),
      'these exceptions are needed no longer: delete them from EXCEPTIONS',
    ).toEqual([]);
    expect(await app.fingerprint(), 'a refused request changed something').toBe(before);
  });

  test('a read by HEAD is guarded like one by GET', async () => {
    const guarded = ({ method, name }: Operation) => method === 'get' && !EXCEPTIONS[name]?.['no credentials'];
    for (const operation of operationsOf(document).filter(guarded)) {
      const asked = { ...requestFor(operation, id), method: 'HEAD' as const };
      expect((await app.request(asked)).status, operation.name).toBe(401);
    }
    const url = `/api/users/${id}`;
    expect((await app.request({ as: 'norole', method: 'HEAD', url })).status).toBe(403);
    const answer = await app.request({ as: 'admin', method: 'HEAD', url });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('guests get in where the application has them, and no further than the rules', () => {
  /** What a guest may do there, and why. */
  const MAY: Readonly<Record<string, string>> = {
    'GET /api/notes': 'some notes are public',
    'POST /access/v1/evaluations': 'everyone may ask about themselves',
    'POST /access/v1/evaluation': 'everyone may ask about themselves',
    'POST /access/v1/search/resource': 'everyone may ask about themselves',
    'POST /access/v1/search/action': 'everyone may ask about themselves',
    'GET /access/v1/rights': 'everyone may know their own rights',
  };
  /** They are let in so far, and refused for what they sent. */
  const REFUSED_FOR_INPUT = [400, 422];

  test.each([undefined, 'garbage'])('with the token %s', async (token) => {
    const open = await openApplication(board);
    try {
      const { body } = await open.request({ url: '/openapi.json' });
      const guarded = operationsOf(body).filter(({ definition }) => definition.security !== undefined);
      const note = await open.idOf('Note', 'text', 'Ask for Ada');
      const before = await open.fingerprint();
      const answered: string[] = [];
      for (const operation of guarded) {
        const asked = { ...requestFor(operation, note), ...(token === undefined ? {} : { token }) };
        const { status } = await open.request(asked);
        const forGuests = JSON.stringify(operation.definition.security) === '[{"bearer":[]},{}]';
        if (!forGuests) expect(status, operation.name).toBe(401);
        else if (status === 200 || REFUSED_FOR_INPUT.includes(status)) answered.push(operation.name);
        else expect(status, operation.name).toBe(403);
      }
      const left = ['POST /api/notes'];
      expect(answered.sort(), 'guests get further than this table says').toEqual([...Object.keys(MAY), ...left].sort());
      expect(await open.fingerprint(), 'a refused request changed something').toBe(before);
    } finally {
      await open.close();
    }
  });
});

describe('the document', () => {
  test('is OpenAPI 3.1, and every operation says what it is', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Open Data Capture', version: expect.any(String) });
    expect(document.servers).toEqual([{ url: '/open-data-capture' }]);
    const ids = new Set<string>();
    const open = Object.keys(EXCEPTIONS).filter((name) => EXCEPTIONS[name]?.['no credentials']);
    for (const { name, path, definition } of operationsOf(document)) {
      expect(definition.operationId, `${name} has no operationId`).toMatch(/^[a-zA-Z]\w*$/);
      expect(ids.has(definition.operationId), `two operations have the id ${definition.operationId}`).toBe(false);
      ids.add(definition.operationId);
      expect(definition.summary, `${name} has no summary`).toEqual(expect.any(String));
      expect(
        Object.keys(definition.responses).some((status) => /^(101|2\d\d)$/.test(status)),
        name,
      ).toBe(true);
      expect(Object.keys(definition.responses), name).toEqual(expect.arrayContaining(['4XX', '5XX']));
      for (const response of Object.values<JsonBody>(definition.responses)) {
        expect(response.description, name).toEqual(expect.any(String));
      }
      expect(definition.security, name).toEqual(open.includes(name) ? undefined : [{ bearer: [] }]);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = (definition.parameters ?? []).filter((parameter: JsonBody) => parameter.in === 'path');
      expect(declared.map((parameter: JsonBody) => parameter.name)).toEqual(named);
    }
    expect(Object.keys(document.components.securitySchemes)).toEqual(['bearer']);
    expect(JSON.stringify(document)).not.toContain('"$ref":"def-');
  });

  test('offers every operation that the model has, and none that nobody may', () => {
    const ids = operationsOf(document).map(({ definition }) => definition.operationId);
    expect(ids).toEqual(
      expect.arrayContaining(['listSession', 'readAuditLog', 'cancelAssignment', 'changePasswordUser']),
    );
    expect(ids.filter((name) => /(create|update|delete)AuditLog|Decision/.test(name))).toEqual([]);
  });

  test('never shows a password', () => {
    const { properties } = document.paths['/api/users/{id}'].get.responses['200'].content['application/json'].schema;
    expect(Object.keys(properties)).toContain('username');
    expect(Object.keys(properties)).not.toContain('password');
  });
});

test('a route without a decision is not registered', async () => {
  const server = await createServer({ installation: app.installation, version: '0.0.0-test' });
  expect(() => server.get('/forgotten', async () => 'everything')).toThrow(/GET \/forgotten has no decision/);
  await server.close();
});

test('a page of documentation is not a way round the guard', async () => {
  const server = await createServer({ installation: app.installation, version: '0.0.0-test' });
  expect(() => server.get('/api/docs/secret', async () => 'everything')).toThrow(/has no decision/);
  await server.close();
});

test('an application is served alone at the root, and the others are not there', async () => {
  other = await openApplication(openDataCapture, { beside: [trials], alone: 'open-data-capture' });
  expect((await other.request({ as: 'admin', url: '/api/groups' })).status).toBe(200);
  expect((await other.root({ url: '/open-data-capture/api/groups' })).status).toBe(404);
  expect((await other.root({ url: '/trials/openapi.json' })).status).toBe(404);
});
