import { allows, linkKey, principal } from '@ostiary/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AUDIENCES, type Audience, BITS, EVERYTHING, type Operation } from '../src/bits.js';
import { groupSet } from '../src/model.js';
import { policy } from './notes.js';

/** What is known of an entity or a row: its bits, its owner, and the bits of its link to each group, where it has some. */
interface Side {
  readonly permission: number;
  readonly owner: string | null;
  readonly groups: Readonly<Record<string, number | null>>;
}

interface Caller {
  /** Null for a guest. */
  readonly id: string | null;
  readonly groups: readonly string[];
}

type Check = readonly [level: 'entity' | 'row', operation: Operation];

/** The checks in the order of docs.dapt.in, "Access flow": before entity, before instance, after instance, after entity. */
const CHECKS: Readonly<Record<string, readonly Check[]>> = {
  list: [
    ['entity', 'Peek'],
    ['row', 'Peek'],
    ['row', 'Peek'],
    ['entity', 'Peek'],
  ],
  read: [
    ['entity', 'Peek'],
    ['row', 'Peek'],
    ['row', 'Read'],
    ['entity', 'Peek'],
  ],
  create: [
    ['entity', 'Create'],
    ['entity', 'Peek'],
  ],
  update: [
    ['entity', 'Update'],
    ['row', 'Update'],
    ['entity', 'Peek'],
  ],
  delete: [
    ['entity', 'Delete'],
    ['row', 'Delete'],
    ['entity', 'Peek'],
  ],
  execute: [
    ['entity', 'Execute'],
    ['row', 'Execute'],
  ],
  refer: [
    ['entity', 'Refer'],
    ['entity', 'Peek'],
    ['row', 'Refer'],
  ],
};

/** One check, as the page tells it: the owner, then the groups, then guests; a step that fails falls through. */
function passes(caller: Caller, side: Side, operation: Operation): boolean {
  const set = (bits: number, audience: Audience) => {
    const wanted = operation === 'Peek' ? ['Peek', 'Read'] : [operation];
    return wanted.some((each) => Math.floor(bits / BITS[`${audience}${each as Operation}`]) % 2 === 1);
  };
  if (caller.id !== null && side.owner !== null && caller.id === side.owner && set(side.permission, 'User'))
    return true;
  for (const group of caller.groups) {
    if (group in side.groups && set(side.groups[group] ?? side.permission, 'Group')) return true;
  }
  return set(side.permission, 'Guest');
}

const GROUPS = ['crew', 'club'];
/** Bits at random, often few. */
const bits = fc.oneof(
  fc.integer({ min: 0, max: EVERYTHING }),
  fc
    .uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 4 })
    .map((all) => all.reduce((sum, n) => sum + 2 ** n, 0)),
);
const side: fc.Arbitrary<Side> = fc.record({
  permission: bits,
  owner: fc.constantFrom(null, 'ada', 'bo'),
  groups: fc.dictionary(fc.constantFrom(...GROUPS), fc.option(bits)),
});
const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.constant({ id: null, groups: [] }),
  fc.record({ id: fc.constantFrom('ada', 'bo', 'cy'), groups: fc.subarray(GROUPS) }),
);

/** The same question to the engine. */
function engineAllows(who: Caller, action: string, entity: Side, row: Side): boolean {
  const grants = who.groups.map((id) => ({ role: 'member', scope: 'usergroup', id }));
  const asking =
    who.id === null
      ? principal({ kind: 'guest', id: '', attributes: {}, grants: [], loggedIn: false })
      : principal({ kind: 'user', id: who.id, attributes: { id: who.id }, grants });
  const sets = (['Peek', 'Read', 'Create', 'Update', 'Delete', 'Execute', 'Refer'] as const).map((operation) => {
    const has = ([, own]: [string, number | null]) => ((own ?? entity.permission) & BITS[`Group${operation}`]) !== 0;
    return [
      groupSet(operation),
      Object.entries(entity.groups)
        .filter(has)
        .map(([group]) => group),
    ] as const;
  });
  const attributes = { permission: entity.permission, user_account_id: entity.owner, ...Object.fromEntries(sets) };
  const links = Object.entries(row.groups).map(([usergroup_id, permission]) => ({
    usergroup_id,
    permission,
    'note_id.permission': row.permission,
  }));
  const record = {
    id: 'note',
    permission: row.permission,
    user_account_id: row.owner,
    [linkKey({ type: 'note_usergroup', via: 'note_id', at: ['id'] })]: links,
  };
  const environment = { now: '2026-03-01T00:00:00.000Z', types: { note: attributes } };
  return allows(policy, asking, action, 'note', record, environment);
}

describe('the checks, one after the other', () => {
  test.each(Object.entries(CHECKS))('say of %s what the rules say, in whatever order', (action, checks) => {
    fc.assert(
      fc.property(
        caller,
        side,
        side,
        fc.shuffledSubarray([...checks.keys()], { minLength: checks.length }),
        (...given) => {
          const [who, entity, row, order] = given;
          const inOrder = (indexes: readonly number[]) =>
            indexes.every((index) => {
              const [level, operation] = checks[index] as Check;
              return passes(who, level === 'entity' ? entity : row, operation);
            });
          const verdict = inOrder([...checks.keys()]);
          expect(inOrder(order), 'the order of the checks').toBe(verdict);
          expect(engineAllows(who, action, entity, row), `${action}, as the rules say`).toBe(verdict);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('more bits never take anything away', () => {
    fc.assert(
      fc.property(
        caller,
        side,
        side,
        bits,
        fc.constantFrom(...Object.keys(CHECKS)),
        (who, entity, row, more, action) => {
          const with_ = (of: Side) => ({ ...of, permission: of.permission | more });
          if (!engineAllows(who, action, entity, row)) return;
          expect(engineAllows(who, action, with_(entity), with_(row))).toBe(true);
        },
      ),
    );
  });

  test('whoever may read may list', () => {
    fc.assert(
      fc.property(caller, side, side, (who, entity, row) => {
        if (engineAllows(who, 'read', entity, row)) expect(engineAllows(who, 'list', entity, row)).toBe(true);
      }),
    );
  });

  test('nobody is the owner of what has none', () => {
    const owners = AUDIENCES.indexOf('User') * 7;
    const permission = 127 * 2 ** owners;
    const entity: Side = { permission: EVERYTHING, owner: null, groups: {} };
    const row: Side = { permission, owner: null, groups: {} };
    for (const who of [
      { id: null, groups: [] },
      { id: 'ada', groups: GROUPS },
    ]) {
      for (const action of ['list', 'read', 'update', 'delete', 'execute', 'refer']) {
        expect(engineAllows(who, action, entity, row), `${who.id ?? 'a guest'} ${action}`).toBe(false);
      }
    }
  });
});
