import { type Field, type Resource, text } from '@ostiary/policy';
import { type Application, ApplicationError, checkApplication } from '@ostiary/server';
import { expect, test } from 'vitest';
import { archive } from './support/archive.js';
import { bitsApplication } from './support/bits.js';
import { board } from './support/board.js';
import { shelves } from './support/shelves.js';
import { trials } from './support/trials.js';
import { ward } from './support/ward.js';

/** The policy of the trials, with a field named `type`. */
function policyWith(type: Field): object {
  const { model } = trials.policy;
  const { Person, ...resources } = model.resources;
  return { ...trials.policy, model: { ...model, resources: { ...resources, Person: withField(Person, type) } } };
}

const withField = (of: Resource | undefined, type: Field) => ({ ...of, fields: { ...of?.fields, type } });

type Change = Readonly<Record<string, unknown>>;

test('what the others are changes of is an application', () => {
  expect(checkApplication(ward)).toBe(ward);
  expect(checkApplication(trials)).toBe(trials);
  expect(checkApplication(archive)).toBe(archive);
  expect(checkApplication(board)).toBe(board);
  expect(checkApplication(bitsApplication)).toBe(bitsApplication);
  expect(checkApplication(shelves)).toBe(shelves);
});

test.each<[string, Application, Change, RegExp]>([
  ['another form of records', trials, { api: 'xml' }, /application\.api must be one of json-api/],
  [
    'a field of a name that JSON:API has',
    trials,
    { api: 'json-api', policy: policyWith(text()) },
    /policy\.model\.resources\.Person\.type: JSON:API has a member of this name: rename it/,
  ],
  ['other roots', ward, { roots: 'kinds' }, /application\.roots must be one of kind/],
  [
    'a path beside roots',
    ward,
    { logins: { nurse: { login: 'name', password: 'password', path: '/in' } } },
    /logins\.nurse\.path: with roots a nurse logs in at \/api\/nurse\/login: leave it out/,
  ],
  [
    'no path without roots',
    trials,
    { logins: { person: { login: 'login', password: 'password' } } },
    /logins\.person: it needs 'path', such as \/auth\/login/,
  ],
  [
    'a user name that may be missing, and no other way in',
    ward,
    { staticTokens: {} },
    /logins\.patient\.login: Patient\.name is not a required text/,
  ],
  [
    'the path of refreshing',
    trials,
    { logins: { person: { login: 'login', password: 'password', path: '/auth/refresh' } } },
    /\/auth\/refresh is an address of every application/,
  ],
  [
    'a misspelt flag of a log-in',
    ward,
    { logins: { nurse: { login: 'name', password: 'password', enabled: 'enabeld' } } },
    /logins\.nurse\.enabled: Nurse has no field 'enabeld'/,
  ],
  [
    'a claim of nothing',
    trials,
    { logins: { person: { ...trials.logins.person, claims: { email: 'email' } } } },
    /logins\.person\.claims: Person has no field 'email'/,
  ],
  [
    'a claim of a secret',
    trials,
    { logins: { person: { ...trials.logins.person, claims: { name: 'password' } } } },
    /logins\.person\.claims: Person\.password is not a text/,
  ],
  [
    "a claim of the server's own",
    trials,
    { logins: { person: { ...trials.logins.person, claims: { sub: 'login' } } } },
    /logins\.person\.claims: 'sub' is a claim of the server's own/,
  ],
  ['effects of no type', trials, { effects: { Persn: {} } }, /effects\.Persn: there is no resource type 'Persn'/],
  [
    'what comes after an administrator, and is nothing to call',
    trials,
    { administrator: { ...trials.administrator, made: 'Group' } },
    /administrator\.made must be a function/,
  ],
  [
    'guests of no kind',
    board,
    { guests: 'paser' },
    /guests: there is no kind of principal 'paser', but person, passer/,
  ],
  ['guests with records', board, { guests: 'person' }, /guests: a person has records/],
  ['guests beside roots', board, { roots: 'kind', logins: {} }, /guests: with roots each kind has an API of its own/],
  ['a flag of no kind', ward, { enabled: { nurs: 'enabled' } }, /enabled\.nurs: there is no kind of principal 'nurs'/],
  ['a flag that is a text', ward, { enabled: { nurse: 'name' } }, /enabled\.nurse: Nurse\.name is not a boolean/],
  [
    'static tokens of no kind',
    ward,
    { staticTokens: { patient: {}, devise: {} } },
    /staticTokens\.devise: there is no kind of principal 'devise'/,
  ],
  [
    'a misspelt member',
    ward,
    { staticTokens: { device: { enabeld: 'enabled' } } },
    /staticTokens\.device has no member 'enabeld', but enabled/,
  ],
  [
    'static tokens that nobody can make',
    ward,
    { staticTokens: { patient: {}, nurse: {} } },
    /staticTokens\.nurse: Nurse needs the action 'rotateToken', .*staticTokenActions\('Nurse'\)/,
  ],
  [
    'a session without refresh tokens',
    trials,
    { tokens: { algorithm: 'ES256', lifetimeSeconds: 60, sessionSeconds: 600 } },
    /tokens\.sessionSeconds: it is about refresh tokens/,
  ],
  [
    'a refresh token that is over first',
    trials,
    { tokens: { algorithm: 'ES256', lifetimeSeconds: 60, refreshSeconds: 60 } },
    /tokens\.refreshSeconds: a refresh token has to be good for longer/,
  ],
  [
    'a session that is over first',
    trials,
    { tokens: { algorithm: 'ES256', lifetimeSeconds: 60, refreshSeconds: 600, sessionSeconds: 300 } },
    /tokens\.sessionSeconds: a session lasts as long/,
  ],
])('%s: told when the application is loaded', (_, application, change, message) => {
  const load = () => checkApplication({ ...application, ...change });
  expect(load).toThrow(ApplicationError);
  expect(load).toThrow(message);
});
