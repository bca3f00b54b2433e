import { type Answer, send } from '../http.js';
import { after, type Changes, type Ledger, NOTHING, type Tracked } from './ledger.js';
import type { Random } from './random.js';

/** Who writes: an administrator, with a user of one's own to change, and somebody who may do nothing. */
export interface Writer {
  readonly name: string;
  readonly token: string;
  readonly refusedToken: string;
  readonly groups: readonly string[];
  readonly user: Tracked;
  readonly subjects: Tracked[];
}

let made = 0;

/** Writes until it is told to stop, or until a write is not answered: nobody knows then what became of it. */
export async function write(url: string, writer: Writer, ledger: Ledger, random: Random, stopped: () => boolean) {
  while (!stopped()) {
    const request = random.pick(REQUESTS);
    if (!(await request({ url, writer, ledger, random }))) return;
  }
}

interface Turn {
  readonly url: string;
  readonly writer: Writer;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** Each returns whether it was answered. */
const REQUESTS: readonly ((turn: Turn) => Promise<boolean>)[] = [
  createSubject,
  createSubject,
  updateSubject,
  updateSubject,
  deleteSubject,
  createSession,
  changeUser,
  updateShared,
  updateShared,
  beRefused,
];

async function createSubject(turn: Turn): Promise<boolean> {
  made += 1;
  const { writer, random } = turn;
  const subject: Tracked = { type: 'Subject', key: `${writer.name}-${made}`, id: null, state: NOTHING };
  const values = { firstName: `first ${random.below(1_000)}`, groupIds: [] };
  const changes = [{ of: subject, to: after(NOTHING, values, ['record.created']) }];
  const done = await attempt(turn, 'POST', '/api/subjects', changes, { ...values, customId: subject.key });
  writer.subjects.push(subject);
  return done;
}

/** One of the writer's subjects that are there, and that no session holds. */
function ownSubject({ writer, random }: Turn): Tracked | undefined {
  const free = writer.subjects.filter(({ id, state }) => id !== null && state.values !== null && isFree(state.values));
  return free.length === 0 ? undefined : random.pick(free);
}

const isFree = ({ groupIds }: Readonly<Record<string, unknown>>) => (groupIds as readonly string[]).length === 0;

async function updateSubject(turn: Turn): Promise<boolean> {
  const subject = ownSubject(turn);
  if (subject === undefined) return createSubject(turn);
  const values = { firstName: `other ${turn.random.below(1_000_000)} of ${subject.state.version}` };
  const changes = [{ of: subject, to: after(subject.state, values, ['record.updated']) }];
  return attempt(turn, 'PATCH', `/api/subjects/${subject.id}`, changes, values, subject.state.version);
}

async function deleteSubject(turn: Turn): Promise<boolean> {
  const subject = ownSubject(turn);
  if (subject === undefined) return createSubject(turn);
  const changes = [{ of: subject, to: after(subject.state, null, ['record.deleted']) }];
  return attempt(turn, 'DELETE', `/api/subjects/${subject.id}`, changes, undefined, subject.state.version);
}

/** Two tables in one transaction: the session is made, and its subject becomes one of the group. */
async function createSession(turn: Turn): Promise<boolean> {
  const subject = ownSubject(turn);
  if (subject === undefined) return createSubject(turn);
  const groupId = turn.random.pick(turn.writer.groups);
  const session: Tracked = { type: 'Session', key: String(subject.id), id: null, state: NOTHING };
  const changes = [
    { of: session, to: after(NOTHING, { groupId }, ['record.created']) },
    { of: subject, to: after(subject.state, { groupIds: [groupId] }, ['record.updated']) },
  ];
  const body = { date: '2026-03-01T10:00:00.000Z', type: 'REMOTE', subjectId: subject.id, groupId };
  return attempt(turn, 'POST', '/api/sessions', changes, body);
}

/** A user and its account: what it may do, and whether it logs in. */
async function changeUser(turn: Turn): Promise<boolean> {
  const { user } = turn.writer;
  const disabled = user.state.values?.disabled !== true;
  const additionalPermissions = disabled ? [] : [{ action: 'read', resource: 'Group' }];
  const values = { disabled, additionalPermissions };
  const events = ['record.updated', 'rights.changed', disabled ? 'account.disabled' : 'account.enabled'];
  const changes = [{ of: user, to: after(user.state, { ...values, accountDisabled: disabled }, events) }];
  return attempt(turn, 'PATCH', `/api/users/${user.id}`, changes, values, user.state.version);
}

/** Sends what changes records, and writes down what became of it. */
async function attempt(
  { url, writer, ledger }: Turn,
  method: string,
  path: string,
  changes: Changes,
  body?: object,
  version?: number,
): Promise<boolean> {
  ledger.send(changes);
  const answer = await send(url, method, path, {
    token: writer.token,
    ...(body === undefined ? {} : { body }),
    ...(version === undefined ? {} : { version }),
  });
  if (isUnanswered(answer)) {
    ledger.unanswered += 1;
    ledger.pending.add(changes);
    return false;
  }
  requireStatus(answer, [200, 201, 204], `${method} ${path}`);
  ledger.acknowledged += 1;
  const [first, ...others] = changes;
  if (first === undefined) return true;
  const { id, updatedAt } = answer.body;
  if (typeof id === 'string') first.of.id = id;
  ledger.apply([
    { of: first.of, to: { ...first.to, ...(typeof updatedAt === 'string' ? { updatedAt } : {}) } },
    ...others,
  ]);
  return true;
}

/** A break of the connection, or a server without its database: done or not, nobody knows. */
function isUnanswered(answer: Answer | undefined): answer is undefined {
  if (answer === undefined) return true;
  if (answer.status < 500) return false;
  if (answer.status === 503 && answer.isProblem) return true;
  throw new Error(`what lost its database was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
}

function requireStatus(answer: Answer, expected: readonly number[], what: string): void {
  if (expected.includes(answer.status)) return;
  throw new Error(`${what} was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function updateShared({ url, writer, ledger, random }: Turn): Promise<boolean> {
  const { shared } = ledger;
  const path = `/api/subjects/${shared.id}`;
  const version = shared.seen + 1;
  made += 1;
  const value = `${writer.name} ${made} ${random.below(1_000)}`;
  const { token } = writer;
  const answer = await send(url, 'PATCH', path, { token, body: { firstName: value }, version: version - 1 });
  if (isUnanswered(answer)) {
    shared.unanswered.push({ version, value });
    ledger.unanswered += 1;
    return false;
  }
  requireStatus(answer, [200, 412], `PATCH ${path}`);
  if (answer.status === 200) {
    const before = shared.acknowledged.get(version);
    if (before !== undefined) throw new Error(`version ${version} was given to '${before}' and to '${value}'`);
    shared.acknowledged.set(version, value);
    shared.seen = Math.max(shared.seen, version);
    ledger.acknowledged += 1;
    return true;
  }
  const now = await send(url, 'GET', path, { token });
  if (isUnanswered(now)) return false;
  shared.seen = Math.max(shared.seen, Number(now.body.version));
  return true;
}

/** A refusal writes nothing but its entry. */
async function beRefused({ url, writer, ledger }: Turn): Promise<boolean> {
  made += 1;
  const body = { name: `refused ${made}`, type: 'CLINICAL' };
  const answer = await send(url, 'POST', '/api/groups', { token: writer.refusedToken, body });
  if (isUnanswered(answer)) return false;
  requireStatus(answer, [403], 'POST /api/groups by somebody who may do nothing');
  ledger.refusals.push(String(answer.body.decision));
  return true;
}
