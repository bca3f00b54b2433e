import { send } from '../http.js';
import type { Ledger, Tracked } from './ledger.js';
import type { Writer } from './writers.js';

const WRITERS = 4;

/** Logs in, and makes what the writers write to. */
export async function prepare(url: string, ledger: Ledger): Promise<readonly Writer[]> {
  const token = await logIn(url, 'admin');
  const refusedToken = await logIn(url, 'norole');
  const { body } = await ok(send(url, 'GET', '/api/groups', { token }));
  const groups = (body.items as readonly { readonly id: string }[]).map(({ id }) => id);
  const shared = await ok(send(url, 'POST', '/api/subjects', { token, body: { firstName: 'shared' } }));
  ledger.shared.id = String(shared.body.id);
  const writers: Writer[] = [];
  for (let number = 1; number <= WRITERS; number += 1) {
    const name = `writer${number}`;
    const additionalPermissions = [{ action: 'read', resource: 'Group' }];
    const names = { username: name, firstName: 'W', lastName: name };
    const body = { ...names, password: 'correct horse battery staple 9', additionalPermissions };
    const user = await ok(send(url, 'POST', '/api/users', { token, body }));
    const values = { disabled: false, additionalPermissions, accountDisabled: false };
    const entries = { 'record.created': 1, 'rights.changed': 1 };
    const tracked: Tracked = {
      type: 'User',
      key: name,
      id: String(user.body.id),
      state: { values, version: 1, entries },
    };
    ledger.send([{ of: tracked, to: tracked.state }]);
    writers.push({ name, token, refusedToken, groups, user: tracked, subjects: [] });
  }
  return writers;
}

async function logIn(url: string, username: string): Promise<string> {
  const { body } = await ok(send(url, 'POST', '/auth/login', { body: { username, password: 'ostiary-demo' } }));
  return String(body.accessToken);
}

async function ok(sending: ReturnType<typeof send>) {
  const answer = await sending;
  if (answer === undefined || answer.status >= 300)
    throw new Error(`it could not be prepared: ${JSON.stringify(answer)}`);
  return answer;
}
