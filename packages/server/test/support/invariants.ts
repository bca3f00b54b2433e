import { snakeCase } from '@ostiary/policy';
import { PROBLEMS } from '@ostiary/server';
import { expect } from 'vitest';
import type { AuditRow, JsonBody, TestApplication } from './application.js';
import type { HostileRequest, Operation } from './hostile-requests.js';

/** A password that the requests send, to see whether it comes back anywhere. */
export const CANARY = 'violet-harbour-castle-91-canary';

/** Words that only the inside of the server, or its database, would say. */
const INNARDS =
  /\$argon2|node_modules|\bat [^\n]{1,200}\.[jt]s:\d+|ostiary\.(account|audit|login)|violates|syntax error|relation "|SQLSTATE|TypeError|undefined is not/;

export interface Outcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly entries: readonly AuditRow[];
  readonly before: string;
  readonly after: string;
}

/**
 * Another one after each write to anything but the audit trail: the rows tell the transaction that wrote them, so what
 * they say need not be read. Counts of failed log-ins are left out, for those outlive the refusal that they count.
 */
export function contentsQuery(application: TestApplication): string {
  const { model } = application.context.policy;
  const own = Object.keys(model.resources)
    .filter((type) => model.resources[type]?.source === undefined)
    .map((type) => `"${snakeCase(application.name)}"."${snakeCase(type)}"`);
  const installation = ['installation', 'application', 'account', 'login_session', 'signing_key', 'setup_link'];
  const tables = [...own, ...installation.map((table) => `ostiary.${table}`)];
  const sums = tables.map(
    (table) => `select '${table}' as at, count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) as sum from ${table}`,
  );
  return `select string_agg(at || ' ' || sum, ',' order by at) as contents from (${sums.join(' union all ')}) each`;
}

/** What holds of every answer, whatever was asked. */
export function expectSound(
  operation: Operation,
  request: HostileRequest,
  sent: string | null,
  outcome: Outcome,
): void {
  const { status, headers, text } = outcome;
  expect(status, `a failure of ours: ${text}`).toBeLessThan(500);
  expect(status, 'neither an answer nor a refusal').toSatisfy((code: number) => code < 300 || code >= 400);
  expect(text, 'the answer shows something of the inside').not.toMatch(INNARDS);
  expect(text, 'the answer repeats a password').not.toContain(CANARY);
  if (sent !== null) expect(text, 'the answer repeats the token').not.toContain(sent);
  expect(headers['set-cookie'], 'a header was smuggled in').toBeUndefined();
  if (status >= 400) expectProblem(request, outcome);
  else {
    expectDocumented(operation, request, outcome);
    if (/^(create|update)[A-Z]/.test(operation.definition.operationId)) expectAsSent(request, outcome);
  }
  expectTrail(operation, request, outcome);
}

const isJsonApi = (headers: Outcome['headers']) => headers['content-type'] === 'application/vnd.api+json';

/** A problem as its body tells it, in either form. */
function problemIn({ headers, text }: Outcome): JsonBody {
  const body: JsonBody = JSON.parse(text);
  if (!isJsonApi(headers)) return body;
  const [first] = body.errors;
  for (const error of body.errors)
    expect(error).toMatchObject({ code: first.code, status: first.status, meta: first.meta });
  // The two statuses that JSON:API has for what has others elsewhere.
  const isOther = first.source?.parameter !== undefined || first.code === 'reference_not_found';
  const status = isOther && ['400', '404'].includes(first.status) ? PROBLEMS[first.code as 'internal'].status : null;
  return {
    ...first,
    type: `urn:ostiary:problem:${first.code}`,
    status: status ?? Number(first.status),
    requestId: first.meta.requestId,
  };
}

function expectProblem({ method }: HostileRequest, outcome: Outcome): void {
  const { status, headers, before, after } = outcome;
  expect(after, 'a refused request changed something').toBe(before);
  expect(headers['content-type']).toMatch(/^application\/(problem\+json|vnd\.api\+json$)/);
  if (method === 'HEAD') return;
  const body = problemIn(outcome);
  expect(Object.keys(PROBLEMS), 'a code that is not documented').toContain(body.code);
  const { status: usual, title } = PROBLEMS[body.code as keyof typeof PROBLEMS];
  expect(body).toMatchObject({ type: `urn:ostiary:problem:${body.code}`, title, status: usual });
  if (!isJsonApi(headers)) expect(status, 'another status than the code has').toBe(usual);
  expect(body.requestId).toBe(ownId(headers));
  if (status === 401) expect(headers['www-authenticate']).toMatch(/^Bearer/);
}

function expectDocumented({ definition, method }: Operation, request: HostileRequest, { status }: Outcome): void {
  // Another method of the address is another operation, or tells what there is.
  if (request.method !== method) return;
  expect(Object.keys(definition.responses), 'a status that the document does not name').toContain(String(status));
}

/** What was written is what was sent: no layer on the way has put something else in its place. */
function expectAsSent({ payload, method }: HostileRequest, { text, headers }: Outcome): void {
  if (payload === null || !['POST', 'PATCH'].includes(method)) return;
  const bodies = [JSON.parse(payload.toString().replace(/^\ufeff/, '')), JSON.parse(text)];
  const [sent, stored] = isJsonApi(headers) ? bodies.map(({ data }) => data.attributes ?? {}) : bodies;
  // An instant is told to the millisecond, however it was written.
  const plain = (value: unknown) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value).toISOString() : (value ?? null);
  for (const name of Object.keys(stored).filter((each) => Object.hasOwn(sent, each))) {
    const [was, is] = [sent[name], stored[name]].map((value) => JSON.parse(JSON.stringify(plain(value))));
    expect(is, `${name} is not what was sent`).toEqual(was);
  }
}

const WRITES = ['record.created', 'record.updated', 'record.deleted', 'record.action'];
const ATTEMPTS = ['login.failed', 'login.locked'];

/** The audit trail tells what came of it, and nothing else. */
function expectTrail(operation: Operation, { method }: HostileRequest, outcome: Outcome): void {
  const { status, headers, text, entries, before, after } = outcome;
  const told = `the audit trail says: ${JSON.stringify(entries)}`;
  for (const entry of entries) expect(entry.request_id, told).toBe(ownId(headers));
  if (status < 400) {
    // A question of a batch that may not be asked is refused in its place.
    const inPlace = operation.definition.operationId === 'evaluateAll' ? ['access.refused'] : [];
    const others = entries.filter(({ event }) => !inPlace.includes(event));
    expect(
      others.map((entry) => entry.outcome),
      told,
    ).not.toContain('refused');
    const writes = entries.filter((entry) => WRITES.includes(entry.event) && entry.principal_id !== null);
    const wrote = method === operation.method && /^(create|update|delete)[A-Z]/.test(operation.definition.operationId);
    if (wrote) {
      // Of JSON:API, what links a record to others is written along with it, and may be all that is, and as it was.
      if (isJsonApi(headers) && method === 'PATCH') expect(writes.length > 0, told).toBe(after !== before);
      else {
        if (!isJsonApi(headers)) expect(writes, told).toHaveLength(1);
        expect(after, 'a write that changed nothing').not.toBe(before);
      }
      const { id, data } = method === 'POST' ? JSON.parse(text) : ({} as JsonBody);
      if (method === 'POST') expect(writes[0]?.record_id, told).toBe(id ?? data.id);
    }
    if (before !== after) expect(entries.length, 'a write that the audit trail does not know').toBeGreaterThan(0);
    return;
  }
  expect(
    entries.map((entry) => entry.outcome),
    told,
  ).not.toContain('allowed');
  if (method === 'HEAD') return;
  const { code } = problemIn(outcome);
  const events = entries.map((entry) => entry.event);
  if (['not_allowed', 'field_not_allowed'].includes(code)) expect(events, told).toEqual(['access.refused']);
  else if (code === 'not_authenticated') expect(events, told).toEqual(['access.refused']);
  else if (code === 'invalid_token') expect(events, told).toEqual(['token.refused']);
  else if (['invalid_credentials', 'account_locked', 'account_disabled'].includes(code)) {
    expect(events, told).toHaveLength(1);
    expect(ATTEMPTS, told).toContain(events[0]);
  } else expect(events, told).toEqual([]);
}

/** Our id of a request: beside its caller's, where that one gave it a name. */
function ownId(headers: Readonly<Record<string, unknown>>): unknown {
  return headers['ostiary-request'] ?? headers['x-request-id'];
}
