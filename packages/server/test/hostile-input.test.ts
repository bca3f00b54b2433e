import { application as openDataCapture } from '@ostiary/open-data-capture';
import type { Application } from '@ostiary/server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditRow, type JsonBody, openApplication, type TestApplication } from './support/application.js';
import { archive } from './support/archive.js';
import {
  directHits,
  type HostileRequest,
  type Material,
  type Operation,
  operationsOf,
  requestsOf,
} from './support/hostile-requests.js';
import { CANARY, contentsQuery, expectSound } from './support/invariants.js';
import { trials } from './support/trials.js';

/** Set to repeat a run: the seed that a failure printed. `node scripts/fuzz.mjs` asks as many as you like. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_301);
const RUNS = Number(process.env.FUZZ_RUNS ?? 5);

interface Target {
  readonly application: Application;
  /** Accounts of the demo: one who may do everything, one who may do something, one who may do nothing. */
  readonly accounts: readonly string[];
  readonly type: string;
  readonly login: string;
  /** How much of the requests is enough: of those with many operations that are alike. */
  readonly share?: number;
}

/** Without guests: whoever comes with a bad token is refused. Without effects: what is deleted is gone. */
const { guests: _, effects: __, ...closedArchive } = archive;

const TARGETS: readonly Target[] = [
  { application: openDataCapture, accounts: ['admin', 'JaneDoe', 'norole'], type: 'User', login: 'username' },
  { application: closedArchive, accounts: ['keeper', 'ada', 'ben'], type: 'Person', login: 'login', share: 0.5 },
  { application: trials, accounts: ['director', 'lead', 'nobody'], type: 'Person', login: 'login' },
];

describe.each(TARGETS)('$application.policy.model.title', ({ application, accounts, type, login, share = 1 }) => {
  const runs = Math.ceil(RUNS * share);

  let app: TestApplication;
  let material: Material;
  let contents: string;
  /** What was stored after the last request: nobody else writes. */
  let latest: string;
  const loggedOut = new Set<string>();
  const operations = new Map<string, Operation>();

  beforeAll(async () => {
    app = await openApplication(application);
    contents = contentsQuery(app);
    for (const operation of operationsOf((await app.request({ url: '/openapi.json' })).body)) {
      operations.set(operation.name, operation);
    }
    material = await materialOf(app, accounts, type, login);
    for (const account of accounts) await app.login(account);
    await app.audit();
    latest = await stored();
  });
  afterAll(() => app?.close());

  // One test for all, as the names of the operations are known only once there is a server to ask.
  test(`every operation stands what it is sent, seed ${SEED}`, { timeout: 60_000 + RUNS * 60_000 }, async () => {
    expect(operations.size).toBeGreaterThan(40);
    const failures: string[] = [];
    for (const operation of operations.values()) {
      const failure = await failureOf(operation);
      if (failure !== null) failures.push(failure);
    }
    expect(failures.join('\n\n'), `Again: node scripts/fuzz.mjs --runs ${RUNS} --seed ${SEED}`).toBe('');
  });

  test('every field stands each value that comes close to its own', { timeout: 300_000 }, async () => {
    const failures: string[] = [];
    for (const operation of operations.values()) {
      for (const request of directHits(operation, material, SEED)) {
        const failure = await ask(operation, request, accounts[0] ?? null).catch((error: Error) => error.message);
        if (failure) failures.push(`${operation.name}, ${shown(request)}\n${failure}`);
      }
    }
    expect(failures.join('\n\n')).toBe('');
  });

  /** The smallest request that an operation does not stand, with what it breaks; null where there is none. */
  async function failureOf(operation: Operation): Promise<string | null> {
    const [all, some, none] = accounts;
    const who = fc.constantFrom(all, all, all, all, all, some, some, none, 'a bad token', null);
    const property = fc.asyncProperty(requestsOf(operation, material), who, (request, as) =>
      ask(operation, request, as ?? null),
    );
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      seed: SEED,
      numRuns: operation.definition.requestBody ? runs * 3 : runs,
    });
    if (!failed) return null;
    const [request, as] = counterexample ?? [];
    return `${operation.name}, as ${String(as)}, ${shown(request)}\n${(errorInstance as Error | null)?.message}`;
  }

  async function ask(operation: Operation, request: HostileRequest, as: string | null): Promise<void> {
    const token = as === null ? null : as === 'a bad token' ? 'x.y.z' : await loggedIn(as);
    const before = latest;
    const answer = await app.server.inject({
      method: request.method as 'GET',
      url: `/${app.name}${request.url}`,
      headers: { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      ...(request.payload === null ? {} : { payload: request.payload }),
    });
    const entries: readonly AuditRow[] = await app.audit();
    latest = await stored();
    if (as !== null && entries.some(({ event }) => event === 'logout')) loggedOut.add(as);
    const { statusCode: status, headers, body: text } = answer;
    expectSound(operation, request, token, { status, headers, text, entries, before, after: latest });
  }

  async function loggedIn(as: string): Promise<string> {
    if (loggedOut.delete(as)) app.forget(as);
    else return app.login(as);
    const token = await app.login(as);
    await app.audit();
    latest = await stored();
    return token;
  }

  async function stored(): Promise<string> {
    // Asked after each request: with a name it is planned once.
    const { rows } = await app.database.pool.query({ name: 'contents', text: contents });
    return String(rows[0]?.contents);
  }
});

/** Ids of everything, but of the accounts that ask: they would lock themselves out. */
async function materialOf(
  app: TestApplication,
  accounts: readonly string[],
  principals: string,
  login: string,
): Promise<Material> {
  const { model } = app.context.policy;
  const [as = ''] = accounts;
  const idsOf = new Map<string, readonly string[]>();
  const cursors: string[] = [];
  const own = new Set(await Promise.all(accounts.map((each) => app.idOf(principals, login, each))));
  for (const [path, item] of Object.entries<JsonBody>((await app.request({ url: '/openapi.json' })).body.paths)) {
    if (!item.get?.operationId.startsWith('list')) continue;
    const isJsonApi = app.context.application.api === 'json-api';
    for (const sort of ['', '&sort=-createdAt', '&sort=id']) {
      const { body } = await app.request({ as, url: `${path}?${isJsonApi ? 'page[size]' : 'limit'}=2${sort}` });
      const next = isJsonApi ? body.meta.after : body.next;
      if (next) cursors.push(next);
    }
    const { body } = await app.request({ as, url: path });
    idsOf.set(
      item.get.tags[0],
      (body.items ?? body.data).map((each: JsonBody) => each.id).filter((id: string) => !own.has(id)),
    );
  }
  const known = new Map<string, readonly unknown[]>([
    ['password', [CANARY]],
    ['currentPassword', [CANARY]],
    ['newPassword', [CANARY]],
    ['subject.type', Object.keys(model.principals)],
    ['subject.id', accounts],
    ['action.name', ['create', 'read', 'list', 'update', 'delete']],
    ['resource.type', Object.keys(model.resources)],
    ['data.id', [...idsOf.values()].flat()],
    ['resource.id', [...idsOf.values()].flatMap(([first]) => first ?? [])],
  ]);
  for (const { fields } of Object.values(model.resources)) {
    for (const [name, field] of Object.entries(fields)) {
      if (field.to !== null) known.set(name, idsOf.get(field.to) ?? []);
    }
  }
  // Of JSON:API, a field is inside of its document, and what it refers to inside of that.
  const nameOf = (path: string) => path.replace(/^data\.(attributes|relationships)\./, '').replace(/\.data\.id$/, '');
  return { ids: idsOf, cursors, known: (path) => known.get(nameOf(path)) };
}

function shown(request: HostileRequest | undefined): string {
  if (request === undefined) return 'no counter-example';
  const { how, method, url, headers, payload } = request;
  const short = (text: string) => (text.length > 500 ? `${text.slice(0, 500)}… (${text.length})` : text);
  return `with ${how}: ${method} ${short(url)}\n${short(JSON.stringify(headers))}\n${short(String(payload ?? ''))}`;
}
