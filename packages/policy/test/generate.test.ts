import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  all,
  allows,
  any,
  bits,
  type Condition,
  choice,
  compile,
  equal,
  integer,
  model,
  not,
  overlap,
  policy,
  present,
  principal,
  type RecordFacts,
  reference,
  references,
  resource,
  rules,
  text,
  within,
} from '../src/index.js';
import { generate } from '../src/tree/generate.js';
import { Slots } from '../src/tree/slots.js';

const MODEL = model({
  name: 'notes',
  title: 'Notes',
  resources: {
    Team: resource({ fields: { name: text() } }),
    Person: resource({ fields: { level: choice(['high', 'low']), teamIds: references('Team') } }),
    Note: resource({
      fields: {
        ownerId: reference('Person', { optional: true }),
        teamId: reference('Team', { optional: true }),
        teamIds: references('Team'),
        note: text({ optional: true }),
        mask: integer({ optional: true }),
      },
    }),
  },
  principals: { person: 'Person' },
  roles: { Team: ['admin'] },
});

const TEAM = { from: 'record', path: ['teamId'] } as const;
const ENVIRONMENT = { now: '2026-03-01T00:00:00.000Z' };
const people = [
  principal({ kind: 'person', id: 'p1', attributes: { level: 'high', teamIds: ['t1'] }, grants: [] }),
  principal({ kind: 'person', id: 'p2', attributes: {}, grants: [{ role: 'admin', scope: 'Team', id: 't1' }] }),
  principal({ kind: 'other', id: 'p1', attributes: { level: 'high', teamIds: ['t1'] }, grants: [] }),
];
const notes: readonly RecordFacts[] = [
  {
    '"]': 'a name that would end the source',
    id: 'n1',
    ownerId: 'p1',
    teamId: 't1',
    teamIds: ['t1', 't2'],
    note: 'x',
    mask: 5,
  },
  { id: 'n2', ownerId: null, teamId: null, teamIds: [], note: null, mask: null },
  {},
];

let conditions: readonly Condition[] = [];
const notesRules = rules(MODEL, 'Note', ({ it, me, allow, holds }) => {
  conditions = [
    equal(it.ownerId, me.person.id),
    equal(me.person.level, 'high'),
    equal(it.note, 'x'),
    within(it.teamId, me.person.teamIds),
    within(it.teamId, ['t1', 't3']),
    within(me.person.level, ['high']),
    overlap(it.teamIds, me.person.teamIds),
    present(it.note),
    bits(it.mask, 4),
    holds('Team admin', it.teamId),
    holds('Team admin', it.teamIds),
    holds('Team admin'),
    { op: 'kind', kind: 'person' },
    not(any(equal(it.ownerId, me.person.id), all(present(it.mask), not(bits(it.mask, 1))))),
    { op: 'present', value: { from: 'record', path: ['"]'] } },
  ];
  return [allow('some', { says: 'Some.', source: 'a test', actions: ['read'], when: any(...conditions.slice(0, -1)) })];
});

afterEach(() => vi.unstubAllGlobals());

describe('the generated function', () => {
  test('answers as the closures do, for every condition, principal and record', () => {
    const slots = new Slots();
    for (const condition of conditions.flatMap((condition) => [condition, not(condition)])) {
      const [generated, closures] = [generate(condition, slots), compile(condition)];
      for (const person of people) {
        for (const note of notes) {
          const asked = JSON.stringify([condition, person.id, note]);
          expect(generated?.(person, note, ENVIRONMENT), asked).toBe(closures(person, note, ENVIRONMENT));
        }
      }
    }
  });

  test('tells any number of roles on one scope apart', () => {
    const names = Array.from({ length: 70 }, (_, number) => `role ${number}`);
    const asked = names.map((role): Condition => ({ op: 'holds', role, scope: 'Team', at: TEAM, many: false }));
    const slots = new Slots();
    const generated = asked.map((condition) => generate(condition, slots));
    for (const role of names) {
      const holder = principal({
        kind: 'person',
        id: 'p',
        attributes: {},
        grants: [{ role, scope: 'Team', id: 't1' }],
      });
      const held = names.filter((_, index) => generated[index]?.(holder, { teamId: 't1' }, ENVIRONMENT));
      expect([role, held]).toEqual([role, [role]]);
    }
  });

  test('tells any number of attributes apart, also of one who was bound when there were fewer', () => {
    const names = Array.from({ length: 70 }, (_, number) => `a${number}`);
    const person = principal({
      kind: 'person',
      id: 'p',
      attributes: Object.fromEntries(names.map((name) => [name, name])),
      grants: [],
    });
    const slots = new Slots();
    const generated = names.map((name) => {
      const value = { from: 'principal', kind: 'person', path: [name] } as const;
      const test = generate({ op: 'equal', left: value, right: { from: 'record', path: ['note'] } }, slots);
      expect(test?.(person, { note: name }, ENVIRONMENT)).toBe(true);
      return test;
    });
    for (const name of names) {
      expect(names.filter((_, index) => generated[index]?.(person, { note: name }, ENVIRONMENT))).toEqual([name]);
    }
  });

  test('is not made where scripts may not be made from text: closures answer then', () => {
    vi.stubGlobal('Function', function forbidden() {
      throw new EvalError('not here');
    });
    expect(generate(conditions[0] as Condition, new Slots())).toBeNull();
    const made = policy(MODEL, [notesRules]);
    const [jane] = people;
    if (jane) expect(allows(made, jane, 'read', 'Note', notes[0] ?? {}, ENVIRONMENT)).toBe(true);
  });

  test('holds no value of a rule in its source', () => {
    const made = generate(
      { op: 'equal', left: { from: 'record', path: ['x'] }, right: { from: 'constant', value: '"];process.exit()//' } },
      new Slots(),
    );
    expect(String(made)).not.toContain('process');
  });
});
