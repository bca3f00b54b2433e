import { expect, test } from 'vitest';
import {
  bits,
  integer,
  ModelError,
  model,
  policy,
  possible,
  principal,
  reference,
  references,
  resource,
  rules,
  text,
} from '../src/index.js';
import { conditionsOf, filter } from '../src/sql.js';

const definition = {
  name: 'typed',
  title: 'Typed',
  principals: { user: 'User' },
  resources: {
    User: resource({ fields: { name: text() } }),
    Group: resource({ fields: { name: text() } }),
    Kind: resource({ fields: { name: text({ unique: true }), label: text(), permission: integer() } }),
    KindInGroup: resource({
      fields: { kindId: reference('Kind'), groupId: reference('Group'), permission: integer({ optional: true }) },
    }),
    Note: resource({ fields: { text: text() } }),
  },
  typeAttributes: { permission: integer(), groupIds: references('Group') },
} as const;
const links = { in: 'KindInGroup', type: 'kindId', of: 'groupId' };
const types = { in: 'Kind', type: 'name', sets: { groupIds: links } };

test.each<[string, object, RegExp]>([
  ['a table that there is not', { ...types, in: 'Kinds' }, /there is no resource type 'Kinds'/],
  [
    'a name that is not unique',
    { ...types, type: 'label' },
    /types: Kind\.label can't name its record: it has to be a text, unique, required/,
  ],
  [
    'a set of no attribute',
    { ...types, sets: { groupIds: links, others: links } },
    /types: sets\.others: there is no such/,
  ],
  ['an attribute that is nowhere', { ...types, sets: {} }, /types: Kind has no field 'groupIds'/],
  [
    'links of something else',
    { ...types, sets: { groupIds: { ...links, type: 'groupId' } } },
    /groupId does not refer to Kind/,
  ],
  [
    'members of another type',
    { ...types, sets: { groupIds: { ...links, of: 'kindId' } } },
    /kindId is not what the set has/,
  ],
  [
    'bits of what is no integer',
    { ...types, sets: { groupIds: { ...links, bits: { field: 'groupId', mask: 1 } } } },
    /KindInGroup\.groupId is not an integer/,
  ],
  [
    'other bits of what is no integer',
    { ...types, sets: { groupIds: { ...links, bits: { field: 'permission', mask: 1, otherwise: 'label' } } } },
    /Kind\.label is not an integer/,
  ],
  [
    'no bits',
    { ...types, sets: { groupIds: { ...links, bits: { field: 'permission', mask: 0 } } } },
    /0 is not a set of bits/,
  ],
])('where the attributes of types are kept: %s', (_, source, message) => {
  expect(() => model({ ...definition, types: source } as never)).toThrow(ModelError);
  expect(() => model({ ...definition, types: source } as never)).toThrow(message);
});

test('an attribute that is not what the field is', () => {
  const typeAttributes = { permission: text(), groupIds: references('Group') };
  expect(() => model({ ...definition, typeAttributes, types })).toThrow(
    /Kind\.permission is not what the attribute is/,
  );
});

test.each([
  ['one that there is not', integer({ filled: { type: 'permissions' } })],
  ['one of another kind', text({ filled: { type: 'permission' } })],
  ['references', references('Group', { filled: { type: 'groupIds' } })],
])('a field is not filled from an attribute: %s', (_, field) => {
  const resources = { ...definition.resources, Extra: resource({ fields: { field } }) };
  expect(() => model({ ...definition, types, resources })).toThrow(/Extra\.field: types have no attribute '/);
});

test('what a principal may is found anew when the attributes are others, and else kept', () => {
  const typed = model({ ...definition, types });
  const typedPolicy = policy(typed, [
    rules(typed, 'Note', ({ type, allow }) => [
      allow('read', {
        says: 'The type permits it.',
        source: 'seed',
        actions: ['read'],
        when: bits(type.permission, 2),
      }),
    ]),
  ]);
  const somebody = principal({ kind: 'user', id: 'u', attributes: {}, grants: [] });
  const [open, closed] = [{ Note: { permission: 2, groupIds: [] } }, { Note: { permission: 1, groupIds: [] } }];
  const asked = (of: typeof open) => {
    const environment = { now: '2026-03-01T00:00:00.000Z', types: of };
    const reach = filter(typedPolicy, somebody, 'read', 'Note', environment);
    return { may: possible(typedPolicy, somebody, 'read', 'Note', environment), reach };
  };
  const first = asked(open);
  expect([first.may, conditionsOf(first.reach)]).toEqual([true, [{ op: 'always' }]]);
  expect(asked(open).reach.branches, 'kept, so that its statement is').toBe(first.reach.branches);
  const second = asked(closed);
  expect([second.may, conditionsOf(second.reach)]).toEqual([false, []]);
  expect(asked(open).may).toBe(true);
});
