import { describe, expect, test } from 'vitest';
import {
  allows,
  boolean,
  type Condition,
  checkCondition,
  choice,
  date,
  equal,
  type Field,
  type GrantSource,
  instant,
  integer,
  json,
  type Model,
  ModelError,
  model,
  never,
  type Operand,
  parent,
  policy,
  principal,
  type Rule,
  reference,
  references,
  resource,
  rules,
  text,
} from '../src/index.js';
import { Parameters, searchSql } from '../src/sql.js';

const DEFINITION = {
  name: 'm',
  title: 'M',
  resources: {
    Site: resource({ fields: { name: text() } }),
    Project: resource({ fields: { siteId: parent('Site'), leadId: reference('User') } }),
    User: resource({
      fields: {
        name: text(),
        level: integer(),
        born: date(),
        siteIds: references('Site'),
        rights: json(),
        on: boolean(),
      },
    }),
    Group: resource({ fields: { name: text() } }),
    Member: resource({ fields: { groupId: reference('Group'), userId: reference('User') } }),
    Role: resource({
      fields: {
        userId: reference('User'),
        groupId: reference('Group'),
        siteId: reference('Site'),
        role: choice(['admin', 'user']),
        until: instant(),
      },
    }),
  },
  principals: { user: 'User', guest: null },
  roles: { installation: ['superadmin'], Site: ['admin', 'user'], Project: ['admin'], Group: ['member'] },
} as const;
const GRANT: GrantSource = {
  in: 'Role',
  holder: 'userId',
  role: { field: 'role' },
  on: { scope: 'Site', field: 'siteId' },
};
const PERMISSIONS = {
  in: 'User',
  field: 'rights',
  scope: 'Site',
  scopeKey: 'site',
  at: { Project: 'siteId' },
  anyAction: '*',
  anyResource: '*',
} as const;

/** A definition that is wrong at run time, as one from JavaScript or from data may be. */
const define = (change: object) =>
  model({ ...DEFINITION, ...change } as unknown as typeof DEFINITION) as unknown as Model;
const type = (fields: Record<string, Field>, more: object = {}) => ({
  resources: { ...DEFINITION.resources, Extra: { fields, actions: [], ...more } },
});

describe('a model that contradicts itself is refused', () => {
  test('the one that is varied here is sound', () => {
    expect(define({ grants: [GRANT], permissions: PERMISSIONS })).toBeDefined();
  });

  test.each<[string, object, string]>([
    ['kind of an unknown type', { principals: { user: 'Usr' } }, "principals.user: there is no resource type 'Usr'"],
    ['reference to nothing', type({ a: reference('B') }), "Extra.a: there is no resource type 'B'"],
    ['two columns of a name', type({ fooBar: text(), foo_bar: text() }), 'are both'],
    ['a column that every table has', type({ createdAt: text() }), 'are both'],
    ['the column of the version', type({ version: integer() }), 'are both'],
    ['a name that is none', type({ 'a.b': text() }), 'is not a name'],
    ['a name that every object knows', type({ toString: text() }), 'every object knows'],
    [
      'a table in the place of the view',
      { resources: { ...DEFINITION.resources, Holding: resource({ fields: {} }) } },
      'both',
    ],
    [
      'a field of others that transfers',
      type({ a: reference('Site', { transfers: true }) }),
      "'transfers' is of a field",
    ],
    ['a set as a parent', type({ a: { ...references('Site'), parent: true } }), 'a parent is one record'],
    ['an action twice', type({}, { actions: ['read'] }), "the action 'read' twice"],
    ['an action of two words', type({}, { actions: ['set free'] }), 'is not a word'],
    ['no action for who refers to it', type({}, { referred: 'refer' }), "no action 'refer' for who refers to it"],
    ['a view of no field', type({ a: text() }, { views: { v: { b: 'shown' } } }), "shows 'b'"],
    ['a default view that is none', type({}, { defaultView: 'v' }), "no view 'v'"],
    ['a name that is no field', type({ a: text() }, { identifiedBy: 'b' }), "no field 'b'"],
    ['a name that is not unique', type({ a: text() }, { identifiedBy: 'a' }), "Extra.a can't name its record"],
    [
      'a name that may be missing',
      type({ a: text({ unique: true, optional: true }) }, { identifiedBy: 'a' }),
      'required',
    ],
    ['a name that is secret', type({ a: text({ unique: true, secret: true }) }, { identifiedBy: 'a' }), 'not secret'],
    ['a name that is a number', type({ a: integer({ unique: true }) }, { identifiedBy: 'a' }), 'it has to be a text'],
    ['a name that is an id', type({}, { identifiedBy: 'id' }), 'it has to be a text'],
    ...(
      [
        ['through an unknown type', { in: 'Nothing', of: 'groupId', to: 'userId' }, "no resource type 'Nothing'"],
        ['of another type', { in: 'Member', of: 'userId', to: 'groupId' }, 'Member does not link it'],
        ['to no record', { in: 'Role', of: 'groupId', to: 'role' }, 'Role does not link it'],
        ['to itself', { in: 'Member', of: 'groupId', to: 'groupId' }, 'Member does not link it'],
      ] as const
    ).map(([what, relation, told]): [string, object, string] => [
      `a relation ${what}`,
      {
        resources: {
          ...DEFINITION.resources,
          Group: resource({ fields: { name: text() }, relations: { members: relation } }),
        },
      },
      told,
    ]),
    [
      'a relation named as a field',
      {
        resources: {
          ...DEFINITION.resources,
          Group: resource({
            fields: { name: text() },
            relations: { name: { in: 'Member', of: 'groupId', to: 'userId' } },
          }),
        },
      },
      "the relation 'name' needs a name of its own",
    ],
    ['roles on an unknown scope', { roles: { Sit: ['admin'] } }, "no resource type 'Sit'"],
    ['two roles of a name', { roles: { installation: ['Site admin'], Site: ['admin'] } }, "named 'Site admin'"],
    ['a role named like a permission', { roles: { installation: ['may read Site'] } }, 'is not a name for a role'],
    ['an unknown role implies', { implications: { admin: ['Site user'] } }, "no role 'admin'"],
    ['an unknown role is implied', { implications: { 'Site admin': ['Site usr'] } }, "no role 'Site usr'"],
    [
      'implied without a parent path',
      { implications: { 'Site admin': ['Group member'] } },
      'no parent reference joins',
    ],
    ['a scope implies everywhere', { implications: { 'Site admin': ['superadmin'] } }, 'holds everywhere'],
    ['a grant in an unknown type', { grants: [{ ...GRANT, in: 'Rol' }] }, "no resource type 'Rol'"],
    ['a grant to an unknown field', { grants: [{ ...GRANT, holder: 'usrId' }] }, "no field 'usrId'"],
    [
      'a grant to a group without members',
      { grants: [{ ...GRANT, holder: 'groupId' }] },
      "Role.groupId is not one principal, nor a group with 'members'",
    ],
    [
      'members of another group',
      { grants: [{ ...GRANT, holder: 'siteId', members: { in: 'Member', group: 'groupId', member: 'userId' } }] },
      'Member.groupId does not refer to one Site',
    ],
    [
      'members who are nobody',
      { grants: [{ ...GRANT, holder: 'groupId', members: { in: 'Member', group: 'groupId', member: 'groupId' } }] },
      'is not one principal',
    ],
    [
      'a grant on another scope',
      { grants: [{ ...GRANT, on: { scope: 'Project', field: 'siteId' } }] },
      'does not refer to Project',
    ],
    ['a grant of an unknown role', { grants: [{ ...GRANT, role: 'amdin' }] }, "no role 'Site amdin'"],
    [
      'a value that means no role',
      { grants: [{ ...GRANT, role: { field: 'role', is: { a: 'x' } } }] },
      "no role 'Site x'",
    ],
    [
      'a role in a number',
      { grants: [{ in: 'User', holder: 'id', role: { field: 'level' } }] },
      'is not a text or a choice',
    ],
    ['an end that is no time', { grants: [{ ...GRANT, until: 'role' }] }, 'is not an instant or a date'],
    ['a condition that is no boolean', { grants: [{ ...GRANT, when: ['role'] }] }, 'is not a boolean'],
    [
      'permissions of no principal',
      { permissions: { ...PERMISSIONS, in: 'Site' } },
      'is not the resource type of a kind',
    ],
    ['permissions in a text', { permissions: { ...PERMISSIONS, field: 'name' } }, 'is not json'],
    ['permissions on an unknown scope', { permissions: { ...PERMISSIONS, scope: 'Sit' } }, "no resource type 'Sit'"],
    [
      'permissions at another scope',
      { permissions: { ...PERMISSIONS, at: { Project: 'leadId' } } },
      'does not refer to Site',
    ],
    ['permissions at an unknown field', { permissions: { ...PERMISSIONS, at: { Project: 'x' } } }, "no field 'x'"],
  ])('%s', (_, change, message) => {
    expect(() => define(change)).toThrow(ModelError);
    expect(() => define(change)).toThrow(message);
  });
});

const MODEL = define({ grants: [GRANT] });
const RULE: Rule = {
  id: 'Project/a',
  effect: 'allow',
  type: 'Project',
  actions: ['read'],
  says: 'A rule.',
  source: 'a test',
  when: { op: 'always' },
};
const made = (...written: object[]) =>
  policy(MODEL, [{ type: 'Project', rules: written.map((rule) => ({ ...RULE, ...rule })), limits: [] }]);
const record = (...path: string[]): Operand => ({ from: 'record', path });
const mine = (...path: string[]): Operand => ({ from: 'principal', kind: 'user', path });
const constant = (value: never): Operand => ({ from: 'constant', value });

/** JavaScript, which no compiler looked at: each of these would otherwise be a rule that allows too much. */
describe('a rule that would hold more often than it says is refused', () => {
  type Loose = Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;
  const rest = { says: 'A rule.', source: 'a test', actions: ['read'] };
  test.each<[string, (language: Loose) => unknown, string]>([
    ['a misspelt condition', ({ allow }: Loose) => [allow?.('a', { ...rest, wehn: never })], "no option 'wehn'"],
    [
      'a condition that is undefined',
      ({ allow }: Loose) => [allow?.('a', { ...rest, when: undefined })],
      "'when' is undefined",
    ],
    ['a scope that is undefined', ({ holds }: Loose) => [holds?.('Site admin', undefined)], 'is held on undefined'],
    [
      'a link whose condition is not returned',
      ({ linked }: Loose) => [linked?.('Project', 'siteId', () => {})],
      'returns nothing',
    ],
    ['no list', () => undefined, 'are no list'],
  ])('%s', (_, write, message) => {
    expect(() => rules(MODEL as never, 'Site' as never, write as never)).toThrow(ModelError);
    expect(() => rules(MODEL as never, 'Site' as never, write as never)).toThrow(message);
  });
});

describe('a policy that contradicts itself is refused', () => {
  test.each<[string, object[], string]>([
    ['two rules of an id', [{}, {}], "two rules have the id 'Project/a'"],
    ['an unknown action', [{ actions: ['raed'] }], "Project has no action 'raed'"],
    ['no action', [{ actions: [] }], 'about no action'],
    ['an unknown type', [{ type: 'Projct' }], "no resource type 'Projct'"],
    ['an unknown field', [{ fields: ['x'] }], "Project has no field 'x'"],
    ['an unknown view', [{ view: 'x' }], "Project has no view 'x'"],
    ['no sentence', [{ says: ' ' }], 'lacks its sentence'],
    ['no source', [{ source: '' }], 'lacks its sentence or source'],
    ['may what there is not', [{ when: { op: 'may', action: 'fly', path: ['siteId'] } }], "Site has no action 'fly'"],
    [
      'may on a value',
      [{ when: { op: 'may', action: 'read', path: ['createdAt'] } }],
      'does not lead to another record',
    ],
    [
      'a rule that asks for itself',
      [{ when: { op: 'may', action: 'read', path: ['id'] } }],
      'rules ask for each other',
    ],
  ])('%s', (_, written, message) => {
    expect(() => made(...written)).toThrow(ModelError);
    expect(() => made(...written)).toThrow(message);
  });

  test('two types that ask for each other', () => {
    const of = model({
      name: 'm',
      title: 'M',
      resources: { A: resource({ fields: { b: reference('B') } }), B: resource({ fields: { a: reference('A') } }) },
      principals: {},
    });
    const ring = () =>
      policy(of, [
        rules(of, 'A', ({ it, allow, may }) => [
          allow('b', { says: 's', source: 's', actions: ['read'], when: may('read', it.b) }),
        ]),
        rules(of, 'B', ({ it, allow, may }) => [
          allow?.('a', { says: 's', source: 's', actions: ['read'], when: may('read', it.a) }),
        ]),
      ]);
    expect(ring).toThrow('rules ask for each other: A/b → read B at b → read A at a');
  });
});

describe('a condition that means nothing is refused, whoever wrote it', () => {
  const leaf = (op: string, left: Operand, right: Operand) => ({ op, left, right }) as Condition;
  test.each<[string, Condition, string]>([
    ['an unknown field', { op: 'present', value: record('x') }, "Project has no field 'x'"],
    ['a path through a value', { op: 'present', value: record('createdAt', 'x') }, 'does not lead to another record'],
    ['a path through a set', { op: 'present', value: mine('siteIds', 'name') }, 'does not lead to another record'],
    ['an unknown kind', { op: 'kind', kind: 'usr' }, "no kind of principal 'usr'"],
    [
      'a field of a guest',
      { op: 'present', value: { from: 'principal', kind: 'guest', path: ['id'] } },
      'has no fields',
    ],
    [
      'an unknown attribute',
      { op: 'present', value: { from: 'type', type: 'Project', field: 'x' } },
      "no attribute 'x'",
    ],
    ['ids of two types', leaf('equal', record('siteId'), mine('id')), 'id of Site is compared with one of id of User'],
    ['a text and a number', leaf('equal', mine('name'), constant(1 as never)), '1 is compared with a value of text'],
    ['null', leaf('equal', mine('name'), constant(null as never)), 'null is compared'],
    ['not a number', leaf('less', mine('level'), constant(Number.NaN as never)), 'is compared with a value of number'],
    ['a date that was not', leaf('less', mine('born'), constant('2026-02-29' as never)), 'a value of date'],
    [
      'an instant of another width',
      leaf('less', record('createdAt'), constant('2026-03-01T00:00:00Z' as never)),
      'a value of instant',
    ],
    ['texts in order', leaf('less', mine('name'), constant('m' as never)), 'text values have no order'],
    ['two sets', leaf('equal', mine('siteIds'), mine('siteIds')), 'a set is not one value'],
    ['json', leaf('equal', mine('rights'), mine('rights')), 'no rule can look into a json field'],
    ['two constants', leaf('equal', constant(1 as never), constant(1 as never)), 'two constants are compared'],
    [
      'an element of no set',
      { op: 'member', element: record('siteId'), set: constant('x' as never) },
      'one value is not a set',
    ],
    [
      'an element of one value',
      { op: 'member', element: record('siteId'), set: record('siteId') },
      'one value is not a set',
    ],
    ['one value that overlaps', leaf('overlap', record('siteId'), mine('siteIds')), 'one value is not a set'],
    ['one value that is empty', { op: 'empty', value: mine('level') }, 'one value is not a set'],
    ['bits of a text', { op: 'bits', value: mine('name'), bits: 1 }, 'bits are of an integer'],
    ['no bits', { op: 'bits', value: mine('level'), bits: 0 }, 'is not a set of bits'],
    ['the bit of the sign', { op: 'bits', value: mine('level'), bits: 2 ** 31 }, 'is not a set of bits'],
    ['an unknown role', { op: 'holds', role: 'x', scope: 'Site', at: null, many: false }, "no role 'Site x'"],
    [
      'a role on another scope',
      { op: 'holds', role: 'admin', scope: 'Site', at: record('id'), many: false },
      'is not held on',
    ],
    [
      'a link that leads elsewhere',
      { op: 'linked', type: 'Role', via: 'userId', at: ['id'], where: { op: 'always' } },
      'does not refer to Project',
    ],
    ['deep inside', { op: 'not', of: { op: 'any', of: [{ op: 'present', value: record('x') }] } }, "no field 'x'"],
  ])('%s', (_, condition, message) => {
    expect(() => checkCondition(MODEL, 'Project', condition)).toThrow(ModelError);
    expect(() => made({ when: condition })).toThrow(message);
  });
});

describe('a rule can’t be written so that it means another record', () => {
  const of = model(DEFINITION);

  test('the record of a link, outside of it', () => {
    let row: unknown;
    const escaped = rules(of, 'Site', ({ allow, linked }) => {
      linked('Role', 'siteId', (it) => {
        row = it;
        return equal(it.role, 'admin');
      });
      return [
        allow?.('a', {
          says: 's',
          source: 's',
          actions: ['read'],
          when: equal((row as { role: never }).role, 'admin' as never),
        }),
      ];
    });
    expect(() => policy(of, [escaped])).toThrow(ModelError);
  });

  test('the record of a link, in a link within it', () => {
    const nested = () =>
      rules(of, 'Site', ({ allow, linked }) => [
        allow?.('a', {
          says: 's',
          source: 's',
          actions: ['read'],
          when: linked('Role', 'siteId', (outer) =>
            linked('Project', 'siteId', (inner) => equal(inner.leadId, outer.userId)),
          ),
        }),
      ]);
    expect(nested).toThrow("can speak of 'it' and of its own record only");
  });
});

test('what is asked about must exist', () => {
  const ready = made({});
  const nobody = principal({ kind: 'guest', id: '', attributes: {}, grants: [] });
  expect(allows(ready, nobody, 'fly', 'Project', {}, { now: '' })).toBe(false);
  expect(() => searchSql(ready, 'usr', 'read', 'Project', {}, { now: '' }, new Parameters(), { limit: 1 })).toThrow(
    "no kind of principal 'usr'",
  );
});
