import { setTimeout as delay } from 'node:timers/promises';
import { snakeCase } from '@ostiary/policy';
import {
  type Application,
  type Context,
  DEMO_PASSWORD,
  type Installation,
  inTransaction,
  login as logIn,
  loginAddress,
  NO_RATES,
  openDatabase,
  openInstallation,
  type Runtime,
  System,
  systemRuntime,
} from '@ostiary/server';
import { createServer, type ServerOptions } from '@ostiary/server/http';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { inject } from 'vitest';
import { type TestDatabase, testDatabase } from './cluster.js';

/** When the clock of every test starts: an hour after the demo data was made. */
export const START = new Date('2026-03-02T10:00:00.000Z');
export const SECRET_KEY = 'a secret for tests, of more than 32 characters';
export const ISSUER = 'https://ostiary.example';
const MADE = new Date('2026-03-02T09:00:00.000Z');

/** A clock that stands still until it is moved. */
export interface Clock extends Runtime {
  set(time: Date | string): void;
  advance(seconds: number): void;
}

export function clockAt(start: Date): Clock {
  let time = start;
  return {
    ...systemRuntime,
    now: () => time,
    set(to) {
      time = new Date(to);
    },
    advance(seconds) {
      time = new Date(time.getTime() + seconds * 1000);
    },
  };
}

/** One entry of the audit trail. */
export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly application: string;
  readonly event: string;
  readonly outcome: string;
  readonly principal_id: string | null;
  readonly login: string | null;
  readonly action: string | null;
  readonly resource_type: string | null;
  readonly record_id: string | null;
  readonly decision_id: string | null;
  readonly rules: readonly string[];
  readonly request_id: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface TestRequest {
  /** The login of a demo account, whose token is sent; nobody's where left out. */
  readonly as?: string | undefined;
  /** A token to send instead. */
  readonly token?: string;
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD' | 'OPTIONS';
  /** Below the application's address: `/api/sessions`. */
  readonly url: string;
  /** Sent as JSON; a text or bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly body: JsonBody;
}

/** Whatever JSON was answered: a test says what it expects of it. */
// biome-ignore lint/suspicious/noExplicitAny: an answer has any form until a test has looked at it
export type JsonBody = any;

export interface TestApplication {
  readonly name: string;
  readonly server: FastifyInstance;
  readonly installation: Installation;
  readonly context: Context;
  readonly database: TestDatabase;
  readonly clock: Clock;
  /** The token of a demo account, made once. */
  login(name: string, password?: string): Promise<string>;
  /** Keeps a token under a name, for requests `as` it. */
  adopt(name: string, token: string): void;
  /** Forgets a token, so that the next request of that account logs in anew. */
  forget(name: string): void;
  request(request: TestRequest): Promise<TestAnswer>;
  /** The same, of the installation: the address is not put below the application's. */
  root(request: TestRequest): Promise<TestAnswer>;
  /** What was written into the audit trail since this was last asked. */
  audit(): Promise<readonly AuditRow[]>;
  /** Does something as the installation itself: nothing is decided. */
  seed<T>(work: (system: System) => Promise<T>): Promise<T>;
  /**
   * Another one after each write to what the application holds, accounts included; sessions and the audit trail aside.
   * Rows tell the transaction that wrote them, so this need not read what they say.
   */
  fingerprint(): Promise<string>;
  /** The id of the record whose field has a value. */
  idOf(type: string, field: string, value: string): Promise<string>;
  close(): Promise<void>;
}

export type TestOptions = Partial<Omit<ServerOptions, 'installation'>> & {
  /** Further applications of the installation. */
  readonly beside?: readonly Application[];
  readonly demo?: boolean;
  /** Names what it begins with, where another of that name begins with something else. */
  readonly template?: string;
};

/** Opens an installation of one application with its demo data, in a database of its own, behind a server. */
export async function openApplication(application: Application, options: TestOptions = {}): Promise<TestApplication> {
  const { beside = [], demo = true, template, ...serverOptions } = options;
  const applications = [application, ...beside];
  const open = (database: ReturnType<typeof openDatabase>, runtime: Runtime) =>
    openInstallation({
      database,
      runtime,
      applications,
      issuer: ISSUER,
      production: false,
      environment: { SECRET_KEY },
      fieldSecrets: async () => [SECRET_KEY],
      demo,
    });
  const names = applications.map((each) => snakeCase(each.policy.model.name));
  const database = await testDatabase({
    name: `${demo ? 'demo' : 'bare'}_${template ?? names.join('_')}`,
    setUp: async (pool) => {
      const { database: draft } = pool.options;
      const opened = openDatabase({ ...inject('postgres'), ...(draft ? { database: draft } : {}) });
      await open(opened, clockAt(MADE)).finally(() => opened.close());
    },
  });
  const clock = clockAt(START);
  const installation = await open(openDatabase(database.config), clock);
  const server = await createServer({
    installation,
    version: '0.0.0-test',
    rates: NO_RATES,
    // A test asks for the entry of each request.
    refusalsInFull: Number.POSITIVE_INFINITY,
    ...serverOptions,
  });
  await server.ready();
  const { name } = application.policy.model;
  const context = installation.contexts.get(name);
  if (context === undefined) throw new TypeError(`${name} was not opened`);
  return testApplication(name, server, installation, context, database, clock, options.alone === undefined);
}

function testApplication(
  name: string,
  server: FastifyInstance,
  installation: Installation,
  context: Context,
  database: TestDatabase,
  clock: Clock,
  prefixed: boolean,
): TestApplication {
  const tokens = new Map<string, Promise<string>>();
  const base = prefixed ? `/${name}` : '';
  let mark = '00000000-0000-0000-0000-000000000000';

  const send = async (address: string, { as, token, method, body, headers }: TestRequest): Promise<TestAnswer> => {
    const bearer = token ?? (as === undefined ? undefined : await login(as));
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const options: InjectOptions = {
      method: method ?? 'GET',
      url: address,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { payload }),
    };
    const answer = await server.inject(options);
    const isJson = /\bjson\b/.test(String(answer.headers['content-type'])) && answer.body !== '';
    return {
      status: answer.statusCode,
      headers: answer.headers as TestAnswer['headers'],
      text: answer.body,
      body: isJson ? JSON.parse(answer.body) : undefined,
    };
  };

  const loginNow = async (login: string, password: string): Promise<string> => {
    const [[kind, settings] = []] = Object.entries(context.application.logins);
    if (kind === undefined || settings === undefined) throw new TypeError(`nobody logs in to ${name}`);
    const address = loginAddress(context.application, kind, settings);
    // Where commands alone log in, which ones is the application's business.
    if (address === null) {
      return (await logIn(context.identity, { application: name, kind, login, password })).accessToken;
    }
    const answer = await send(`${base}${address}`, {
      method: 'POST',
      url: '',
      body: { [settings.login]: login, [settings.password]: password },
    });
    if (answer.status !== 200) throw new Error(`${login} could not log in: ${answer.text}`);
    return answer.body.accessToken as string;
  };

  const login = (who: string, password = DEMO_PASSWORD): Promise<string> => {
    const known = tokens.get(who);
    if (known !== undefined) return known;
    const made = loginNow(who, password);
    tokens.set(who, made);
    made.catch(() => tokens.delete(who));
    return made;
  };

  const { model } = context.policy;
  const tables = Object.keys(model.resources)
    .filter((type) => model.resources[type]?.source === undefined)
    .map((type) => `"${snakeCase(name)}"."${snakeCase(type)}"`);
  const contents = [...tables, 'ostiary.account', 'ostiary.setup_link', 'ostiary.application']
    .map((table) => `select '${table}' as at, count(*) || ' ' || sum(xmin::text::bigint) as sum from ${table}`)
    .join(' union all ');

  return {
    name,
    server,
    installation,
    context,
    database,
    clock,
    login,
    adopt: (who, token) => void tokens.set(who, Promise.resolve(token)),
    forget: (who) => void tokens.delete(who),
    request: (request) => send(`${base}${request.url}`, request),
    root: (request) => send(request.url, request),
    async audit() {
      // With a name it is planned once, and so is what is stored: some tests ask after each of a thousand requests.
      const text = 'select * from ostiary.audit where id > $1 order by id';
      const { rows } = await database.pool.query<AuditRow>({ name: 'entries', text, values: [mark] });
      mark = rows.at(-1)?.id ?? mark;
      return rows;
    },
    seed: (work) => inTransaction(context, (transaction) => work(new System(context, transaction))),
    async fingerprint() {
      const text = `select md5(string_agg(at || sum, ',' order by at)) as sum from (${contents}) x`;
      const { rows } = await database.pool.query({ name: 'stored', text });
      return String(rows[0]?.sum);
    },
    async idOf(type, field, value) {
      const { rows } = await database.pool.query(
        `select id from "${snakeCase(name)}"."${snakeCase(type)}" where "${snakeCase(field)}" = $1`,
        [value],
      );
      if (rows.length !== 1) throw new Error(`${rows.length} records of ${type} have ${field} = '${value}'`);
      return String(rows[0].id);
    },
    async close() {
      await server.close();
      await installation.database.close();
      await database.drop();
    },
  };
}

/** Waits until something holds, or a second has passed. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await holds()) return;
    await delay(20);
  }
  throw new Error('it did not become true within a second');
}
