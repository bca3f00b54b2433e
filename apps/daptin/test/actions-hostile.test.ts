import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { EVERYTHING } from '../src/bits.js';
import { application } from '../src/index.js';
import { idIn, sendRow } from './rows.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20_260_301);
const RUNS = Number(process.env.FUZZ_RUNS ?? 5) * 20;

let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(application);
});
afterAll(() => app?.close());

const NAMES = ['a', 'b', 'usergroup_id', 'constructor', '__proto__'];
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>('~a', '~b', '~usergroup_id', '$x.id', '$x.token') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>('', 'a@b.c', '~~', 'violet-harbour-castle', 'x'.repeat(300), '\u0000'),
  },
  fc.constantFrom<unknown>(null, true, 0, -1, 1e308, [], {}, ['~a'], { deep: '$x.id' }, '$x.password', '~', '$5'),
);

/** JSON, in which members may have names that objects have already. */
const attributes = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 3 })
  .map((pairs) => Object.fromEntries(pairs));
const maybe = <T>(of: fc.Arbitrary<T>, freq = 3) => fc.option(of, { nil: undefined, freq });

const inFields = fc.tuple(...['a', 'b'].map(inField));
function inField(name: string) {
  return fc.record({
    name: fc.oneof({ weight: 9, arbitrary: fc.constant(name) }, fc.constantFrom(...NAMES)),
    kind: fc.constantFrom('text', 'text', 'integer', 'number', 'boolean', 'json'),
    conformations: maybe(fc.constantFrom<unknown>([], ['trim'], ['lowercase', 'trim']), 1),
    validations: maybe(fc.constantFrom<unknown>({}, { equals: 'a' }, { maxLength: 3 }), 1),
  });
}

/** Kinds of outcomes, with the attributes that they need. */
const KINDS = [
  ['usergroup', 'POST', 'name'],
  ['usergroup', 'PATCH', 'id', 'permission'],
  ['usergroup', 'GET_BY_ID', 'id'],
  ['usergroup', 'DELETE', 'id'],
  ['user_account', 'POST', 'name', 'email', 'password'],
  ['user_account', 'PATCH', 'id', 'password'],
  ['user_account_usergroup', 'POST', 'user_account_id', 'usergroup_id'],
  ['token', undefined],
  ['token', undefined, 'email', 'password'],
  ['token', undefined, 'user_account_id'],
  ['resync', undefined, 'world_id'],
  ['client.notify', undefined, 'message'],
  ['client.store.set', undefined, 'key', 'value'],
  ['toString', undefined],
] as const;
const outcome = fc.constantFrom(...KINDS).chain(([type, method, ...names]) =>
  fc.record({
    type: fc.constant(type),
    method: fc.constant(method),
    attributes: fc.record(Object.fromEntries(names.map((name) => [name, value]))),
    reference: maybe(fc.constantFrom('x', 'y'), 1),
    as: maybe(fc.constant('action'), 1),
  }),
);

/** Whatever an action is made of, it is refused when it is written, or does what its caller may. */
test(`no definition and no input is a failure of ours, seed ${SEED}`, { timeout: 120_000 }, async () => {
  const world_id = await app.idOf('world', 'table_name', 'usergroup');
  let number = 0;
  let written = 0;
  const definitions = fc.tuple(
    inFields,
    fc.array(outcome, { minLength: 1, maxLength: 2 }),
    fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
    attributes,
  );
  await fc.assert(
    fc.asyncProperty(definitions, async ([in_fields, out_fields, elevated, given]) => {
      number += 1;
      const action_name = `hostile_${number}`;
      const action = { action_name, world_id, in_fields, out_fields, elevated };
      const made = await sendRow(app, { as: 'admin@example.org', method: 'POST', url: '/api/action', body: action });
      expect([201, 400, 422], made.text).toContain(made.status);
      if (made.status !== 201) return;
      written += 1;
      await app.seed((system) => system.update('action', idIn(made), { permission: EVERYTHING }));
      for (const as of ['admin@example.org', 'bo@example.org', undefined]) {
        const url = `/action/usergroup/${action_name}`;
        const { status, text } = await app.request({ as, method: 'POST', url, body: { attributes: given } });
        expect(status, text).toBeLessThan(500);
        expect(text, 'a hash was shown').not.toContain('$argon2');
      }
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(written, 'some definitions make sense').toBeGreaterThan(RUNS / 10);
});
