import { createHmac } from 'node:crypto';
import { actionsOf, kebabCase } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { explainDecision, type Question } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  openApplication,
  SECRET_KEY,
  type TestAnswer,
  type TestApplication,
  type TestRequest,
} from '../../../packages/server/test/support/application.js';
import { application as openDataCapture } from '../src/index.js';
import {
  CHANGES,
  fieldsFor,
  type Groups,
  groupAt,
  groupsOf,
  idsIn,
  listAll,
  MISSING,
  newAccount,
  newRecord,
  PLACES,
  type Place,
  permit,
} from './support.js';

const { model } = openDataCapture.policy;
const PEOPLE = ['admin', 'JaneDoe', 'JohnSmith', 'FrancoisBouchard', 'norole'] as const;

let app: TestApplication;
let groups: Groups;
/** The rules that some line of this file was decided by. */
const spoke = new Set<string>();

beforeAll(async () => {
  app = await openApplication(openDataCapture);
  groups = await groupsOf(app);
  for (const person of PEOPLE) await app.login(person);
});
afterAll(() => app?.close());
beforeEach(() => app.audit());

/** The events that were written since this was last asked, in order; the rules that they name count as having spoken. */
async function events(): Promise<string> {
  const rows = await app.audit();
  for (const row of rows) for (const rule of row.rules) spoke.add(rule);
  return rows.map((row) => row.event).join(' ');
}

/** Lets the rules count that speak in the decision on a request. */
async function listen(who: string, action: string, type: string, id?: string): Promise<void> {
  const subject = { type: 'user', id: who };
  const question: Question = { subject, action: { name: action }, resource: { type, ...(id ? { id } : {}) } };
  const nobody = { principal: null, sessionId: null, requestId: null };
  const { rules } = await explainDecision(app.context, nobody, question);
  for (const rule of rules) if (rule.holds === 'yes') spoke.add(rule.id);
}

/**
 * What each of the five may do with each type of record, by where the record is: in an own group, in a foreign one, in
 * none, and nowhere at all. A list is of `all` records, of those of the `own` group, or of one's own account (`self`).
 */
const TABLE = `
                              | admin           | JaneDoe         | JohnSmith       | FrancoisBouchard | norole
  Group list                  | all             | own             | own             | own              | 403
  Group read                  | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 200 403 403 403  | 403 403 403 403
  Group create                | –   –   201 –   | –   –   403 –   | –   –   403 –   | –   –   403 –    | –   –   403 –
  Group update                | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  Group delete                | 409 409 204 404 | 409 403 403 403 | 409 403 403 403 | 403 403 403 403  | 403 403 403 403
  User list                   | all             | own             | own             | self             | 403
  User read                   | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  User create                 | 201 201 201 422 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  User update                 | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  User delete                 | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Subject list                | all             | own             | own             | own              | 403
  Subject read                | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 200 403 403 403  | 403 403 403 403
  Subject create              | 201 201 201 422 | 201 403 201 403 | 201 403 201 403 | 201 403 201 403  | 403 403 403 403
  Subject update              | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Subject delete              | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Session list                | all             | own             | own             | own              | 403
  Session read                | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 200 403 403 403  | 403 403 403 403
  Session create              | 201 201 201 422 | 201 403 201 403 | 201 403 201 403 | 201 403 201 403  | 403 403 403 403
  Session update              | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Session delete              | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Instrument list             | all             | all             | all             | all              | 403
  Instrument read             | 200 200 200 404 | 200 200 200 404 | 200 200 200 404 | 200 200 200 404  | 403 403 403 403
  Instrument create           | 201 201 201 422 | 201 403 201 403 | 201 403 201 403 | 403 403 403 403  | 403 403 403 403
  Instrument update           | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Instrument delete           | 204 204 204 404 | 204 403 403 404 | 204 403 403 404 | 403 403 403 403  | 403 403 403 403
  InstrumentRepo list         | all             | own             | own             | 403              | 403
  InstrumentRepo read         | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRepo create       | 201 201 201 422 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRepo update       | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRepo delete       | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecord list       | all             | own             | own             | 403              | 403
  InstrumentRecord read       | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecord create     | 201 201 201 422 | 201 403 201 403 | 201 403 201 403 | 201 403 201 403  | 403 403 403 403
  InstrumentRecord update     | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecord delete     | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecordFile list   | all             | own             | own             | 403              | 403
  InstrumentRecordFile read   | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecordFile create | 201 201 201 422 | 201 403 403 403 | 201 403 403 403 | 201 403 403 403  | 403 403 403 403
  InstrumentRecordFile update | 200 200 200 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  InstrumentRecordFile delete | 204 204 204 404 | 403 403 403 403 | 403 403 403 403 | 403 403 403 403  | 403 403 403 403
  Assignment list             | all             | own             | own             | 403              | 403
  Assignment read             | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  Assignment create           | 201 201 201 422 | 201 403 403 403 | 201 403 403 403 | 403 403 403 403  | 403 403 403 403
  Assignment update           | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
  Assignment delete           | 204 204 204 404 | 204 403 403 403 | 204 403 403 403 | 403 403 403 403  | 403 403 403 403
  Assignment cancel           | 200 200 200 404 | 200 403 403 403 | 200 403 403 403 | 403 403 403 403  | 403 403 403 403
`;

/** The same for somebody without a role who was given just this: everywhere, or in their own group. */
const GIVEN = `
                              | everywhere      | in the own group
  Group list                  | all             | own
  Group read                  | 200 200 200 404 | 200 403 403 403
  Group create                | –   –   201 –   | –   –   403 –
  Group update                | 200 200 200 403 | 200 403 403 403
  Group delete                | 409 409 204 403 | 409 403 403 403
  User list                   | all             | own
  User read                   | 200 200 200 404 | 200 403 403 403
  User create                 | 403 403 403 403 | 403 403 403 403
  User update                 | 200 200 200 403 | 200 403 403 403
  User delete                 | 204 204 204 403 | 204 403 403 403
  Subject list                | all             | own
  Subject read                | 200 200 200 404 | 200 403 403 403
  Subject create              | 201 201 201 422 | 201 403 403 403
  Subject update              | 200 200 200 403 | 200 403 403 403
  Subject delete              | 204 204 204 403 | 204 403 403 403
  Session list                | all             | own
  Session read                | 200 200 200 404 | 200 403 403 403
  Session create              | 201 201 201 422 | 201 403 403 403
  Session update              | 200 200 200 403 | 200 403 403 403
  Session delete              | 204 204 204 403 | 204 403 403 403
  Instrument list             | all             | –
  Instrument read             | 200 200 200 404 | –
  Instrument create           | 201 201 201 422 | –
  Instrument update           | 200 200 200 403 | –
  Instrument delete           | 204 204 204 403 | –
  InstrumentRepo list         | all             | own
  InstrumentRepo read         | 200 200 200 404 | 200 403 403 403
  InstrumentRepo create       | 201 201 201 422 | 201 403 403 403
  InstrumentRepo update       | 200 200 200 403 | 200 403 403 403
  InstrumentRepo delete       | 204 204 204 403 | 204 403 403 403
  InstrumentRecord list       | all             | own
  InstrumentRecord read       | 200 200 200 404 | 200 403 403 403
  InstrumentRecord create     | 201 201 201 422 | 201 403 403 403
  InstrumentRecord update     | 200 200 200 403 | 200 403 403 403
  InstrumentRecord delete     | 204 204 204 403 | 204 403 403 403
  InstrumentRecordFile list   | all             | own
  InstrumentRecordFile read   | 200 200 200 404 | 200 403 403 403
  InstrumentRecordFile create | 201 201 201 403 | 201 403 403 403
  InstrumentRecordFile update | 200 200 200 403 | 200 403 403 403
  InstrumentRecordFile delete | 204 204 204 403 | 204 403 403 403
  Assignment list             | all             | own
  Assignment read             | 200 200 200 404 | 200 403 403 403
  Assignment create           | 201 201 201 422 | 201 403 403 403
  Assignment update           | 200 200 200 403 | 200 403 403 403
  Assignment delete           | 204 204 204 403 | 204 403 403 403
`;

interface Cell {
  readonly who: string;
  readonly type: string;
  readonly action: string;
  readonly expected: readonly string[];
}

function cells(table: string): readonly Cell[] {
  const [header = [], ...rows] = table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('|').map((part) => part.trim()));
  return rows.flatMap(([name = '', ...columns]) => {
    const [type = '', action = ''] = name.split(' ');
    return columns.map((text, index) => ({ who: header[index + 1] ?? '', type, action, expected: text.split(/\s+/) }));
  });
}

/** The one audit trail that each answer leaves. */
function eventsOf(who: string, status: string, type: string, action: string, place: Place): string {
  const isUser = type === 'User';
  const sensitive = model.resources[type]?.sensitive === true;
  switch (`${action} ${status}`) {
    case 'read 200':
      return sensitive ? 'record.read' : '';
    case 'create 201':
      if (isUser) return 'account.created record.created rights.changed';
      // The subject of a session becomes one of its group's.
      return type === 'Session' && place !== 'none' ? 'record.updated record.created' : 'record.created';
    case 'update 200':
      // Where the answer shows more than was written.
      return sensitive && who === 'admin' ? 'record.updated record.read' : 'record.updated';
    case 'delete 204':
      return isUser ? 'account.deleted record.deleted rights.changed' : 'record.deleted';
    case 'cancel 200':
      return 'record.action';
    default:
      return status === '403' ? 'access.refused' : '';
  }
}

const lasting = new Map<string, string>();

/** Does what a row says in every place, and compares answers, events and what became of the data. */
async function tryPlaces(who: string, type: string, action: string, expected: readonly string[]): Promise<void> {
  const url = `/api/${collectionOf(model, type)}`;
  const cells = expected.flatMap((status, index) => {
    const place = PLACES[index];
    return place === undefined || status === '–' ? [] : [{ place, status }];
  });
  const made = await app.seed(async (system) => {
    const records: unknown[] = [];
    for (const { place, status } of cells) {
      const at = groupAt(groups, who, place);
      const key = `${type} ${at}`;
      // What no request will use up serves every line.
      const lasts = status === '403' || action === 'read' || action === 'update';
      const make = async () => (lasts && lasting.get(key)) || (await newRecord(system, groups, type, at));
      const record =
        action === 'create' ? await fieldsFor(system, groups, type, at) : at === MISSING ? at : await make();
      if (lasts && action !== 'create') lasting.set(key, String(record));
      records.push(record);
    }
    return records;
  });
  let before: string | null = null;
  for (const [index, { place, status }] of cells.entries()) {
    const one = `${url}/${String(made[index])}`;
    const requests: Readonly<Record<string, TestRequest>> = {
      create: { method: 'POST', url, body: made[index] },
      read: { url: one },
      update: { method: 'PATCH', url: one, body: CHANGES[type] },
      delete: { method: 'DELETE', url: one },
      cancel: { method: 'POST', url: `${one}/cancel`, body: {} },
    };
    const asked = requests[action];
    if (asked === undefined) throw new TypeError(`no request for '${action}'`);
    if (place === 'own' || place === 'none') {
      await listen(who, action, type, action === 'create' ? undefined : String(made[index]));
    }
    await app.audit();
    const refused = Number(status) >= 400;
    if (refused) before ??= await app.fingerprint();
    const answer = await app.request({ as: who, ...asked });
    const note = `${who}: ${action} ${type} (${place}) answered ${answer.status} ${answer.text}`;
    expect(String(answer.status), note).toBe(status);
    expect(await events(), note).toBe(eventsOf(who, status, type, action, place));
    if (refused) expect(await app.fingerprint(), `${note}, but something was changed`).toBe(before);
    else before = null;
  }
}

/** Lists a type, and compares with what the database holds. */
async function tryList(who: string, type: string, expected: string): Promise<void> {
  const url = `/api/${collectionOf(model, type)}`;
  await listen(who, 'list', type);
  await app.audit();
  if (expected === '403') {
    const answer = await app.request({ as: who, url });
    expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
    expect(await events()).toBe('access.refused');
    return;
  }
  const ids = (await listAll(app, who, url)).map((item) => item.id);
  const own = groupAt(groups, who, 'own');
  const wanted =
    expected === 'self'
      ? [await app.idOf('User', 'username', who)]
      : await idsIn(app, type, expected === 'all' ? null : own);
  expect(ids, `${who} lists ${type}`).toEqual(wanted);
  const sensitive = model.resources[type]?.sensitive === true;
  expect(await events()).toBe(sensitive ? 'record.listed' : '');
}

async function tryRow(who: string, type: string, action: string, expected: readonly string[]): Promise<void> {
  if (action === 'list') return tryList(who, type, expected[0] ?? '');
  await tryPlaces(who, type, action, expected);
}

describe('what a role may do, and where', () => {
  test.each(cells(TABLE))('$who: $action $type is $expected', ({ who, type, action, expected }) =>
    tryRow(who, type, action, expected),
  );
});

describe('what one permission gives to somebody without a role', () => {
  test.each(cells(GIVEN).filter(({ expected }) => expected.join() !== '–'))(
    '$action $type, given $who: $expected',
    async ({ who, type, action, expected }) => {
      const group = who === 'everywhere' ? {} : { group: groups.clinic };
      await permit(app, 'norole', [{ action: action === 'list' ? 'read' : action, resource: type, ...group }]);
      await tryRow('norole', type, action, expected);
      await permit(app, 'norole', []);
    },
  );

  test('every cell of the tables is there', () => {
    const types = Object.keys(model.resources).filter((type) => !['AuditLog', 'Decision'].includes(type));
    const wanted = types.flatMap((type) => actionsOf(model, type).map((action) => `${type} ${action}`));
    const rows = new Set(cells(TABLE).map(({ type, action }) => `${type} ${action}`));
    // Of oneself alone, and therefore told below.
    expect(wanted.filter((row) => !rows.has(row))).toEqual(['User changePassword']);
  });
});

/** What a line is told with: ids that it needs. */
interface World {
  readonly ids: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<string, string>>;
}

interface Line {
  readonly says: string;
  readonly who?: string;
  readonly request: (world: World) => TestRequest;
  readonly status: number;
  /** What the body holds, among others; the code of a problem. */
  readonly body?: object;
  readonly events: string;
}

const login = (username: string, password: string): TestRequest => ({
  method: 'POST',
  url: '/auth/login',
  body: { username, password },
});
const own = (body: object) => (world: World, id: string) =>
  ({ method: 'PATCH', url: `/api/users/${world.ids[id]}`, body }) as const;
const patch =
  (id: string, body: object) =>
  (world: World): TestRequest =>
    own(body)(world, id);
const post = (url: string, body: object) => (): TestRequest => ({ method: 'POST', url, body });
const problem = (code: string) => ({ code });
const NOBODY = '01900000-0000-7000-8000-000000000000';
const STRONG = 'violet-harbour-castle-91';

const LINES: readonly Line[] = [
  // Logging in.
  {
    says: 'the right password gives a token',
    request: () => login('JaneDoe', 'ostiary-demo'),
    status: 200,
    body: { accessToken: expect.any(String) },
    events: 'login.succeeded',
  },
  {
    says: 'a user without a role can log in',
    request: () => login('norole', 'ostiary-demo'),
    status: 200,
    events: 'login.succeeded',
  },
  {
    says: 'a wrong password is refused',
    request: () => login('JaneDoe', 'wrong'),
    status: 401,
    body: problem('invalid_credentials'),
    events: 'login.failed',
  },
  {
    says: 'an unknown user is refused',
    request: () => login('nobody-at-all', 'wrong'),
    status: 401,
    body: problem('invalid_credentials'),
    events: 'login.failed',
  },
  {
    says: 'a user name is taken as it is written',
    request: () => login('janedoe', 'ostiary-demo'),
    status: 401,
    body: problem('invalid_credentials'),
    events: 'login.failed',
  },
  {
    says: 'a log-in without a password is not understood',
    request: () => ({ method: 'POST', url: '/auth/login', body: { username: 'JaneDoe' } }),
    status: 422,
    body: { code: 'invalid_input', errors: [{ pointer: '/password', message: 'is missing' }] },
    events: '',
  },
  {
    says: 'who has a token knows who they are',
    who: 'norole',
    request: () => ({ url: '/auth/me' }),
    status: 200,
    body: { kind: 'user' },
    events: '',
  },
  {
    says: 'who has none does not',
    request: () => ({ url: '/auth/me' }),
    status: 401,
    body: problem('not_authenticated'),
    events: 'access.refused',
  },

  // One's own account.
  {
    says: 'a manager changes their own details',
    who: 'JaneDoe',
    request: patch('JaneDoe', { phoneNumber: '555-0100-1' }),
    status: 200,
    body: { phoneNumber: '555-0100-1' },
    events: 'record.updated',
  },
  {
    says: 'a standard user changes their own details',
    who: 'FrancoisBouchard',
    request: patch('FrancoisBouchard', { email: 'f@example.org', dateOfBirth: '1980-02-29' }),
    status: 200,
    events: 'record.updated',
  },
  {
    says: 'nobody changes the details of a colleague',
    who: 'JohnSmith',
    request: patch('FrancoisBouchard', { email: 'x@example.org' }),
    status: 403,
    body: problem('not_allowed'),
    events: 'access.refused',
  },
  {
    says: 'who has no role changes nothing, not even of their own',
    who: 'norole',
    request: patch('norole', { email: 'n@example.org' }),
    status: 403,
    body: problem('not_allowed'),
    events: 'access.refused',
  },
  ...(
    [
      'username',
      'verifiedEmail',
      'basePermissionLevel',
      'groupIds',
      'additionalPermissions',
      'disabled',
      'password',
    ] as const
  ).map(
    (field): Line => ({
      says: `nobody but an administrator changes their own ${field}`,
      who: 'JaneDoe',
      request: patch('JaneDoe', {
        firstName: 'Janet',
        [field]: {
          username: 'root',
          verifiedEmail: 'another@example.org',
          basePermissionLevel: 'ADMIN',
          groupIds: [],
          additionalPermissions: [],
          disabled: false,
          password: STRONG,
        }[field],
      }),
      status: 403,
      body: { code: 'field_not_allowed', detail: `You may not update User with: ${field}.` },
      events: 'access.refused',
    }),
  ),
  {
    says: 'a standard user reads their own account',
    who: 'FrancoisBouchard',
    request: ({ ids }) => ({ url: `/api/users/${ids.FrancoisBouchard}` }),
    status: 200,
    body: { username: 'FrancoisBouchard' },
    events: '',
  },
  {
    says: 'an administrator can be made by an administrator',
    who: 'admin',
    request: patch('spare', { basePermissionLevel: 'ADMIN' }),
    status: 200,
    events: 'record.updated rights.changed',
  },
  {
    says: 'and unmade',
    who: 'admin',
    request: patch('spare', { basePermissionLevel: null }),
    status: 200,
    events: 'record.updated rights.changed',
  },
  {
    says: 'a change that changes no right is no change of rights',
    who: 'admin',
    request: patch('spare', { basePermissionLevel: null, lastName: 'Changed' }),
    status: 200,
    events: 'record.updated',
  },

  // Instruments hold code.
  {
    says: 'a manager adds no instrument but a series',
    who: 'JaneDoe',
    request: post('/api/instruments', { name: 'f', kind: 'FORM', title: 'F' }),
    status: 403,
    body: problem('not_allowed'),
    events: 'access.refused',
  },
  {
    says: 'a series of a manager brings no code',
    who: 'JaneDoe',
    request: post('/api/instruments', { name: 's', kind: 'SERIES', title: 'S', bundle: 'alert(1)' }),
    status: 403,
    body: { code: 'field_not_allowed', detail: 'You may not create Instrument with: bundle.' },
    events: 'access.refused',
  },
  {
    says: 'an administrator adds code',
    who: 'admin',
    request: post('/api/instruments', { name: 'code', kind: 'INTERACTIVE', title: 'C', bundle: 'alert(1)' }),
    status: 201,
    events: 'record.created',
  },

  // The audit log.
  {
    says: 'an administrator reads the audit log',
    who: 'admin',
    request: () => ({ url: '/api/audit-logs?limit=1' }),
    status: 200,
    body: { items: [{ event: expect.any(String) }] },
    events: 'audit.read',
  },
  ...['JaneDoe', 'FrancoisBouchard', 'norole'].flatMap((who): Line[] => [
    {
      says: `${who} does not list the audit log`,
      who,
      request: () => ({ url: '/api/audit-logs' }),
      status: 403,
      body: problem('not_allowed'),
      events: 'access.refused',
    },
    {
      says: `${who} reads no entry of it`,
      who,
      request: ({ ids }) => ({ url: `/api/audit-logs/${ids.entry}` }),
      status: 403,
      body: problem('not_allowed'),
      events: 'access.refused',
    },
  ]),
  {
    says: 'an administrator reads an entry',
    who: 'admin',
    request: ({ ids }) => ({ url: `/api/audit-logs/${ids.entry}` }),
    status: 200,
    events: 'audit.read',
  },
  {
    says: 'an entry that is not there is not there',
    who: 'admin',
    request: () => ({ url: `/api/audit-logs/${MISSING}` }),
    status: 404,
    body: problem('not_found'),
    events: '',
  },

  // Asking for decisions.
  {
    says: 'everyone asks for their own decisions',
    who: 'norole',
    request: ({ ids }) => ({
      method: 'POST',
      url: '/access/v1/evaluation',
      body: { subject: { type: 'user', id: ids.norole }, action: { name: 'list' }, resource: { type: 'Session' } },
    }),
    status: 200,
    body: { decision: false },
    events: '',
  },
  {
    says: "an administrator asks for others' decisions",
    who: 'admin',
    request: () => ({
      method: 'POST',
      url: '/access/v1/evaluation',
      body: { subject: { type: 'user', id: 'JaneDoe' }, action: { name: 'list' }, resource: { type: 'Session' } },
    }),
    status: 200,
    body: { decision: true },
    events: '',
  },
  {
    says: 'a manager does not',
    who: 'JaneDoe',
    request: () => ({
      method: 'POST',
      url: '/access/v1/evaluation',
      body: { subject: { type: 'user', id: 'JohnSmith' }, action: { name: 'list' }, resource: { type: 'Session' } },
    }),
    status: 403,
    body: problem('not_allowed'),
    events: 'access.refused',
  },
  {
    says: "nor for others' reasons",
    who: 'JaneDoe',
    request: () => ({
      method: 'POST',
      url: '/access/v1/explanation',
      body: { subject: { type: 'user', id: 'JohnSmith' }, action: { name: 'list' }, resource: { type: 'Session' } },
    }),
    status: 403,
    body: problem('not_allowed'),
    events: 'access.refused',
  },
  {
    says: 'an explanation is on record',
    who: 'admin',
    request: () => ({
      method: 'POST',
      url: '/access/v1/explanation',
      body: { subject: { type: 'user', id: 'JaneDoe' }, action: { name: 'list' }, resource: { type: 'Session' } },
    }),
    status: 200,
    body: { allowed: expect.any(String) },
    events: 'access.explained',
  },

  // Extra permissions are well formed.
  {
    says: 'a permission for instruments is not limited to a group',
    who: 'admin',
    request: (world) =>
      patch('spare', { additionalPermissions: [{ action: 'read', resource: 'Instrument', group: groups.clinic }] })(
        world,
      ),
    status: 422,
    body: problem('invalid_input'),
    events: '',
  },
  {
    says: 'nor is one for everything',
    who: 'admin',
    request: (world) =>
      patch('spare', { additionalPermissions: [{ action: 'read', resource: 'all', group: groups.clinic }] })(world),
    status: 422,
    body: problem('invalid_input'),
    events: '',
  },
  {
    says: 'a permission names a group that exists',
    who: 'admin',
    request: patch('spare', { additionalPermissions: [{ action: 'read', resource: 'Session', group: MISSING }] }),
    status: 422,
    body: problem('reference_not_found'),
    events: '',
  },
  {
    says: 'a permission is for an action that there is',
    who: 'admin',
    request: patch('spare', { additionalPermissions: [{ action: 'rule', resource: 'Session' }] }),
    status: 422,
    body: problem('invalid_input'),
    events: '',
  },
  {
    says: 'and for a type that can be given',
    who: 'admin',
    request: patch('spare', { additionalPermissions: [{ action: 'read', resource: 'AuditLog' }] }),
    status: 422,
    body: problem('invalid_input'),
    events: '',
  },

  // Data that must fit.
  {
    says: 'a name is given once',
    who: 'admin',
    request: post('/api/groups', { name: 'Psychosis Lab', type: 'RESEARCH' }),
    status: 409,
    body: problem('already_exists'),
    events: '',
  },
  {
    says: 'a user name is given once',
    who: 'admin',
    request: post('/api/users', { username: 'JaneDoe', firstName: 'J', lastName: 'D', password: STRONG }),
    status: 409,
    body: problem('already_exists'),
    events: '',
  },
  {
    says: 'a password must be strong',
    who: 'admin',
    request: post('/api/users', { username: 'weakling', firstName: 'W', lastName: 'W', password: 'password1' }),
    status: 422,
    body: problem('weak_password'),
    events: '',
  },
  {
    says: 'and must not be the user name',
    who: 'admin',
    request: post('/api/users', { username: STRONG, firstName: 'W', lastName: 'W', password: STRONG.toUpperCase() }),
    status: 422,
    body: problem('weak_password'),
    events: '',
  },
];

describe('line by line', () => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    await newAccount(app, 'spare');
    for (const username of [...PEOPLE, 'spare']) ids[username] = await app.idOf('User', 'username', username);
    const { rows } = await app.database.pool.query('select id from ostiary.audit order by id limit 1');
    ids.entry = String(rows[0]?.id);
  });

  test.each(LINES)('$says: $status', async ({ who, request, status, body, events: expected }) => {
    const asked = request({ ids, tokens: {} });
    await listenTo(who, asked);
    await app.audit();
    const before = await app.fingerprint();
    const answer = await app.request({ as: who, ...asked });
    expect(answer.status, answer.text).toBe(status);
    if (body) expect(answer.body).toMatchObject(body);
    expect(await events()).toBe(expected);
    if (status >= 400) expect(await app.fingerprint(), 'a refused request changed something').toBe(before);
  });
});

/** Lets the rules count that decided on a request to a record. */
async function listenTo(who: string | undefined, { method = 'GET', url, body }: TestRequest): Promise<void> {
  const [, collection, id, named] = /^\/api\/([a-z-]+)(?:\/([^/?]+))?(?:\/([a-z-]+))?/.exec(url) ?? [];
  const type = Object.keys(model.resources).find((name) => collectionOf(model, name) === collection);
  if (who === undefined) return;
  if (url.startsWith('/access/')) return listen(who, 'read', 'Decision', (body as Question).subject.id);
  if (type === undefined) return;
  const standard = { GET: id ? 'read' : 'list', POST: 'create', PATCH: 'update', DELETE: 'delete' } as const;
  const action = named
    ? actionsOf(model, type).find((name) => kebabCase(name) === named)
    : standard[method as keyof typeof standard];
  if (action) await listen(who, action, type, id);
}

describe('rights are read live, with a token that was issued before', () => {
  let id: string;
  const sessions = (): Promise<TestAnswer> => app.request({ as: 'worker', url: '/api/sessions' });
  const change = async (values: object): Promise<void> => {
    const answer = await app.request({ as: 'admin', method: 'PATCH', url: `/api/users/${id}`, body: values });
    expect(answer.status, answer.text).toBe(200);
  };
  let serial = 0;

  beforeEach(async () => {
    app.forget('worker');
    serial += 1;
    const username = `worker-${serial}`;
    id = await newAccount(app, username, { basePermissionLevel: 'STANDARD', groupIds: [groups.clinic] });
    const token = await app.login(username);
    app.adopt('worker', token);
    await app.audit();
  });

  test('a role that is taken away holds no longer', async () => {
    expect((await sessions()).status).toBe(200);
    await change({ basePermissionLevel: null });
    expect((await sessions()).status).toBe(403);
    await change({ basePermissionLevel: 'GROUP_MANAGER' });
    expect((await app.request({ as: 'worker', url: '/api/instrument-records' })).status).toBe(200);
  });

  test('a group that is left shows nothing any more', async () => {
    expect((await sessions()).body.items.length).toBeGreaterThan(0);
    await change({ groupIds: [] });
    expect((await sessions()).body).toEqual({ items: [], next: null });
  });

  test('an extra permission holds at once, and its removal too', async () => {
    const records = () => app.request({ as: 'worker', url: '/api/instrument-records' });
    expect((await records()).status).toBe(403);
    await change({ additionalPermissions: [{ action: 'read', resource: 'InstrumentRecord', group: groups.lab }] });
    const seen = (await listAll(app, 'worker', '/api/instrument-records')).map((item) => item.id);
    expect(seen).toEqual(await idsIn(app, 'InstrumentRecord', groups.lab));
    await change({ additionalPermissions: [] });
    expect((await records()).status).toBe(403);
  });

  test('manage and all stand for every action and every type', async () => {
    await change({
      basePermissionLevel: null,
      additionalPermissions: [{ action: 'manage', resource: 'Session', group: groups.clinic }],
    });
    const seen = (await listAll(app, 'worker', '/api/sessions')).map((item) => item.id);
    expect(seen).toEqual(await idsIn(app, 'Session', groups.clinic));
    await change({ additionalPermissions: [{ action: 'read', resource: 'all' }] });
    for (const type of ['Group', 'User', 'Subject', 'Session', 'Instrument', 'InstrumentRecord', 'Assignment']) {
      await listen(id, 'read', type);
      await listen(id, 'list', type);
      expect((await app.request({ as: 'worker', url: `/api/${collectionOf(model, type)}` })).status).toBe(200);
    }
    await change({ additionalPermissions: [{ action: 'manage', resource: 'all' }] });
    expect(
      (
        await app.request({
          as: 'worker',
          method: 'POST',
          url: '/api/groups',
          body: { name: 'Of the worker', type: 'RESEARCH' },
        })
      ).status,
    ).toBe(201);
    for (const url of ['/api/audit-logs', '/api/audit-logs?limit=1']) {
      expect((await app.request({ as: 'worker', url })).status, 'all stands for what can be given').toBe(403);
    }
  });

  test('a permission for one group does not reach into another', async () => {
    const types = ['Subject', 'Session', 'InstrumentRecord', 'InstrumentRecordFile', 'Assignment', 'InstrumentRepo'];
    const additionalPermissions = types.flatMap((resource) =>
      ['create', 'update'].map((action) => ({ action, resource, group: groups.clinic })),
    );
    await change({ basePermissionLevel: null, groupIds: [], additionalPermissions });
    const [ours, theirs] = [
      await app.idOf('Subject', 'customId', 'clinic_1001'),
      await app.idOf('Subject', 'customId', 'ex_1001'),
    ];
    const instrumentId = await app.idOf('Instrument', 'name', 'happiness-questionnaire');
    const [theirSession] = await idsIn(app, 'Session', groups.lab);
    const [theirRecord] = await idsIn(app, 'InstrumentRecord', groups.lab);
    const [ourSubject] = await idsIn(app, 'Subject', groups.clinic);
    const date = '2026-03-01T10:00:00.000Z';
    const groupId = groups.clinic;
    const record = { date, groupId, instrumentId, subjectId: ours, data: {} };
    const file = { groupId, name: 'a', mediaType: 'text/plain', content: '' };
    const expiresAt = date;
    const refused: readonly (readonly ['POST' | 'PATCH', string, object])[] = [
      ['POST', '/api/subjects', { groupIds: [groups.clinic, groups.lab] }],
      ['PATCH', `/api/subjects/${ourSubject}`, { groupIds: [groups.clinic, groups.lab] }],
      ['POST', '/api/instrument-repos', { name: 'r', url: 'https://r.example', groupIds: [groups.clinic, groups.lab] }],
      ['POST', '/api/sessions', { date, type: 'REMOTE', groupId, subjectId: theirs }],
      ['POST', '/api/instrument-records', { ...record, subjectId: theirs }],
      ['POST', '/api/instrument-records', { ...record, sessionId: theirSession }],
      ['POST', '/api/instrument-record-files', { ...file, recordId: theirRecord }],
      ['POST', '/api/assignments', { groupId, instrumentId, subjectId: theirs, expiresAt }],
    ];
    await app.audit();
    for (const [method, url, body] of refused) {
      const before = await app.fingerprint();
      const real = await app.request({ as: 'worker', method, url, body });
      expect([url, real.status], real.text).toEqual([url, 403]);
      expect(await events()).toBe('access.refused');
      expect(await app.fingerprint(), 'a refused request changed something').toBe(before);
      const ghost = JSON.parse(
        JSON.stringify(body).replaceAll(theirs, NOBODY).replaceAll(String(theirSession), NOBODY),
      );
      expect((await app.request({ as: 'worker', method, url, body: ghost })).status, 'a ghost is told apart').toBe(403);
      await app.audit();
    }
    const allowed = await app.request({ as: 'worker', method: 'POST', url: '/api/instrument-records', body: record });
    expect(allowed.status, allowed.text).toBe(201);
  });

  test('no extra permission opens the creation of users, or a change of rights', async () => {
    await change({
      basePermissionLevel: null,
      additionalPermissions: [
        { action: 'manage', resource: 'all' },
        { action: 'manage', resource: 'User' },
      ],
    });
    const before = await app.fingerprint();
    await app.audit();
    const user = { username: 'sneaked', firstName: 'S', lastName: 'N', password: STRONG };
    expect((await app.request({ as: 'worker', method: 'POST', url: '/api/users', body: user })).status).toBe(403);
    for (const target of [id, await app.idOf('User', 'username', 'norole')]) {
      for (const field of [
        { basePermissionLevel: 'ADMIN' },
        { groupIds: [groups.lab] },
        { additionalPermissions: [] },
        { disabled: false },
        { username: 'root' },
        { verifiedEmail: 'worker@example.org' },
        { password: STRONG },
      ]) {
        await listen(id, 'update', 'User', target);
        const answer = await app.request({ as: 'worker', method: 'PATCH', url: `/api/users/${target}`, body: field });
        expect([answer.status, answer.body.code], JSON.stringify(field)).toEqual([403, 'field_not_allowed']);
      }
    }
    const admin = await app.idOf('User', 'username', 'admin');
    await listen(id, 'delete', 'User', admin);
    expect((await app.request({ as: 'worker', method: 'DELETE', url: `/api/users/${admin}` })).status).toBe(403);
    expect(await app.fingerprint()).toBe(before);
    expect(await events()).toBe(Array(16).fill('access.refused').join(' '));
  });

  test('a permission for sessions of a group does not open the subjects of another', async () => {
    const additionalPermissions = ['Session', 'Subject'].map((resource) => ({
      action: resource === 'Session' ? 'create' : 'read',
      resource,
      group: groups.clinic,
    }));
    await change({ basePermissionLevel: null, additionalPermissions });
    const subjectId = await app.seed((system) => newRecord(system, groups, 'Subject', groups.lab));
    const meet = (subject: string) => {
      const body = { date: '2026-03-01T10:00:00.000Z', type: 'REMOTE', groupId: groups.clinic, subjectId: subject };
      return app.request({ as: 'worker', method: 'POST', url: '/api/sessions', body });
    };
    await app.audit();
    expect((await meet(subjectId)).status).toBe(403);
    expect((await meet(MISSING)).status).toBe(403);
    expect(await events()).toBe('access.refused access.refused');
    expect((await app.request({ as: 'worker', url: `/api/subjects/${subjectId}` })).status).toBe(403);
    for (const group of [groups.clinic, null]) {
      const near = await app.seed((system) => newRecord(system, groups, 'Subject', group));
      expect((await meet(near)).status).toBe(201);
    }
  });

  test('logging out ends the token, and no other', async () => {
    const second = await app.request({
      method: 'POST',
      url: '/auth/login',
      body: { username: `worker-${serial}`, password: 'ostiary-demo' },
    });
    await app.audit();
    expect((await app.request({ as: 'worker', method: 'POST', url: '/auth/logout' })).status).toBe(204);
    expect(await events()).toBe('logout');
    expect([(await sessions()).status, (await sessions()).body.code]).toEqual([401, 'invalid_token']);
    expect(await events()).toBe('token.refused token.refused');
    expect((await app.request({ token: second.body.accessToken, url: '/api/sessions' })).status).toBe(200);
  });

  test('a disabled account is out at once, and stays out with its old token when it is enabled again', async () => {
    await change({ disabled: true });
    expect(await events()).toBe('account.disabled record.updated');
    expect((await sessions()).status).toBe(401);
    await change({ disabled: false });
    expect((await sessions()).status).toBe(401);
  });

  test('a deleted account is out at once', async () => {
    expect((await app.request({ as: 'admin', method: 'DELETE', url: `/api/users/${id}` })).status).toBe(204);
    expect(await events()).toBe('account.deleted record.deleted rights.changed');
    expect((await sessions()).status).toBe(401);
    expect((await app.request(login(`worker-${serial}`, 'ostiary-demo'))).status).toBe(401);
  });

  test('changing the password needs the one before, and ends the other sessions', async () => {
    const path = `/api/users/${id}/change-password`;
    const other = await app.request(login(`worker-${serial}`, 'ostiary-demo'));
    const ask = (currentPassword: string, newPassword: string, as = 'worker') =>
      app.request({ as, method: 'POST', url: path, body: { currentPassword, newPassword } });
    await listen(id, 'changePassword', 'User', id);
    await listen('admin', 'changePassword', 'User', id);
    await app.audit();
    expect((await ask('wrong', STRONG)).body.code).toBe('invalid_credentials');
    expect((await ask('ostiary-demo', 'password1')).body.code).toBe('weak_password');
    expect((await ask('ostiary-demo', STRONG, 'admin')).body.code).toBe('not_allowed');
    await app.audit();
    expect((await ask('ostiary-demo', STRONG)).status).toBe(204);
    expect(await events()).toBe('account.password_changed record.action');
    expect((await sessions()).status).toBe(200);
    expect((await app.request({ token: other.body.accessToken, url: '/api/sessions' })).status).toBe(401);
    expect((await app.request(login(`worker-${serial}`, 'ostiary-demo'))).status).toBe(401);
    expect((await app.request(login(`worker-${serial}`, STRONG))).status).toBe(200);
  });
});

test('a token is HS256 with SECRET_KEY, lives 24 hours, and tells who, not what they may do', async () => {
  const answer = await app.request(login('JaneDoe', 'ostiary-demo'));
  const token = answer.body.accessToken as string;
  const [header, payload] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  expect(header.alg).toBe('HS256');
  const signed = token.slice(0, token.lastIndexOf('.'));
  expect(createHmac('sha256', SECRET_KEY).update(signed).digest('base64url')).toBe(token.split('.')[2]);
  expect(Object.keys(payload).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'kind', 'nbf', 'sid', 'sub']);
  expect(payload.exp - payload.iat).toBe(24 * 60 * 60);

  const use = async () => (await app.request({ token, url: '/api/groups' })).status;
  app.clock.advance(24 * 60 * 60 - 1);
  expect(await use()).toBe(200);
  app.clock.advance(1);
  expect(await use()).toBe(401);
  app.clock.advance(-24 * 60 * 60);
});

test('an account locks after five failures, and one that does not exist does so in the same words', async () => {
  await newAccount(app, 'lockable');
  const answersFor = async (username: string) => {
    const answers: unknown[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const answer = await app.request(login(username, 'wrong'));
      const { requestId: _, ...body } = answer.body;
      answers.push([answer.status, answer.headers['retry-after'], body]);
    }
    return answers;
  };
  const known = await answersFor('lockable');
  expect(known).toEqual(await answersFor('no-such-account'));
  expect(known.map((answer) => (answer as [number])[0])).toEqual([401, 401, 401, 401, 401, 403, 403]);
  expect(known[6]).toMatchObject([403, '900', { code: 'account_locked' }]);
  expect((await app.request(login('lockable', 'ostiary-demo'))).status).toBe(403);
  app.clock.advance(900);
  expect((await app.request(login('lockable', 'ostiary-demo'))).status).toBe(200);
  app.clock.advance(-900);
});

/** Rules that speak for themselves, and what run-time permissions give: one of each type is enough, being made alike. */
test('every rule was exercised by a scenario', ({ task }) => {
  const ran = task.file.tasks.every((each) => each.result?.state !== 'skip' && each.mode === 'run');
  if (!ran) return;
  const { rules } = openDataCapture.policy;
  const isPermission = (id: string) => id.includes('/permission-');
  const silent = rules.filter(({ id }) => !isPermission(id) && !spoke.has(id)).map(({ id }) => id);
  expect(silent, 'no scenario reaches these rules: add a line to this file for each').toEqual([]);
  const types = [...new Set(rules.filter(({ id }) => isPermission(id)).map(({ type }) => type))];
  const unheard = types.filter((type) => ![...spoke].some((id) => id.startsWith(`${type}/permission-`)));
  expect(unheard, 'no scenario gives a permission for these types: add a line to GIVEN for each').toEqual([]);
});
