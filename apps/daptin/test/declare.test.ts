import type { Policy } from '@ostiary/policy';
import { checkApplication, DeclarationError } from '@ostiary/server';
import { describe, expect, test } from 'vitest';
import { declaredPolicy, placeInRow } from '../src/declare.js';
import { application } from '../src/index.js';

const row = (table_name: string, schema: unknown) => ({ id: `id of ${table_name}`, table_name, schema });
const fieldsOf = (policy: Policy, type: string) => policy.model.resources[type]?.fields ?? {};
const COLUMN = { name: 'title', kind: 'text' };

describe('rows of world declare entities', () => {
  const declared = declaredPolicy([
    { table_name: 'world', permission: 35, schema: null },
    row('project', { columns: [COLUMN] }),
    row('sample', {
      columns: [
        { name: 'label', kind: 'text', unique: true, minLength: 1, maxLength: 40, says: 'On the tube.' },
        { name: 'colour', kind: 'choice', choices: ['red', 'blue'], default: 'red' },
        { name: 'weight', kind: 'number', minimum: 0, optional: true },
        { name: 'taken_at', kind: 'instant', optional: true },
        { name: 'notes', kind: 'json', optional: true },
      ],
      relations: [
        { name: 'project_id', kind: 'belongs_to', to: 'project' },
        { name: 'nurse', kind: 'belongs_to', to: 'user_account', optional: true },
        { name: 'seen_in', kind: 'has_many', to: 'project' },
        { name: 'parents', kind: 'has_many', to: 'sample' },
      ],
    }),
  ]);

  test('with their columns, their relations, and what every row has', () => {
    expect(fieldsOf(declared, 'sample')).toMatchObject({
      label: { kind: 'text', unique: true, minLength: 1, maxLength: 40, says: 'On the tube.' },
      colour: { kind: 'choice', choices: ['red', 'blue'], default: 'red' },
      weight: { kind: 'number', minimum: 0, optional: true },
      taken_at: { kind: 'instant' },
      notes: { kind: 'json' },
      project_id: { kind: 'reference', to: 'project', optional: false },
      nurse: { kind: 'reference', to: 'user_account', optional: true, clears: true },
      user_account_id: { to: 'user_account', filled: 'principal' },
      permission: { kind: 'integer', filled: { type: 'default_permission' } },
    });
    expect(Object.keys(fieldsOf(declared, 'sample_usergroup'))).toEqual(['sample_id', 'usergroup_id', 'permission']);
    expect(fieldsOf(declared, 'sample_seen_in')).toMatchObject({
      sample_id: { to: 'sample' },
      project_id: { to: 'project' },
    });
    expect(fieldsOf(declared, 'sample_parents')).toMatchObject({
      sample_id: { to: 'sample' },
      other_sample_id: { to: 'sample' },
    });
  });

  test('with the rules of any entity', () => {
    const of = (policy: Policy, type: string) =>
      policy.rules.filter((rule) => rule.type === type).map(({ id }) => id.split('/')[1]);
    expect([...of(declared, 'sample'), 'lets-in']).toEqual(of(application.policy, 'oauth_connect'));
    expect(of(declared, 'sample_usergroup')).toEqual(of(application.policy, 'oauth_connect_usergroup'));
    expect(of(declared, 'sample_parents')).toEqual(['administrator', 'read', 'write']);
  });

  test('beside what is there from the start, which stays as it is', () => {
    const { resources, ...rest } = declared.model;
    const { resources: own, ...base } = application.policy.model;
    expect(rest).toEqual(base);
    for (const type of Object.keys(own)) {
      expect(resources[type], type).toEqual(own[type]);
      const rules = (policy: Policy) => policy.rules.filter((rule) => rule.type === type);
      expect(rules(declared), type).toEqual(rules(application.policy));
    }
  });

  test('that the server would serve', () => {
    expect(checkApplication({ ...application, policy: declared })).toBeDefined();
  });

  test('in any order, and with an empty schema', () => {
    const a = row('a', { relations: [{ name: 'b_id', kind: 'belongs_to', to: 'b' }] });
    const made = declaredPolicy([a, row('b', {})]);
    expect(Object.keys(fieldsOf(made, 'b'))).toEqual(['user_account_id', 'permission']);
  });
});

describe('a row that declares nothing sound is told, with its column', () => {
  const columns = (...all: readonly unknown[]) => ({ columns: all });
  const relations = (...all: readonly unknown[]) => ({ relations: all });
  const many = { name: 'notes', kind: 'has_many', to: 'note' };

  test.each<[string, readonly Readonly<Record<string, unknown>>[], string]>([
    ['no schema', [row('note', 'text')], "world 'note': its schema is not {columns, relations}"],
    ['a list', [row('note', [])], "world 'note': its schema is not {columns, relations}"],
    ['another member', [row('note', { colums: [] })], "world 'note': its schema has no 'colums'"],
    ['no list', [row('note', { columns: {} })], "world 'note': 'columns' is not a list"],
    ['no name', [row('note', columns({ kind: 'text' }))], "world 'note': columns.0 has no name"],
    ['nothing at all', [row('note', columns(null))], "world 'note': columns.0 has no name"],
    ['a name that is none', [row('Note', {})], "world 'Note': a name has small letters"],
    ['a name of SQL', [row('note', columns({ name: 'a"b', kind: 'text' }))], 'a name has small letters'],
    ['a long name', [row('n'.repeat(41), {})], 'at most 40'],
    ['what is there from the start', [row('user_account', {})], "there is a 'user_account' already"],
    ['its groups', [row('world_usergroup', {})], "there is a 'world_usergroup' already"],
    ['another one', [row('note', {}), row('note', {})], "world 'note': there is a 'note' already"],
    ['the groups of another', [row('note', {}), row('note_usergroup', {})], "there is a 'note_usergroup' already"],
    ['a relation of another', [row('note', relations(many)), row('note_notes', {})], "there is a 'note_notes' already"],
    [
      'what every row has',
      [row('note', columns({ name: 'permission', kind: 'integer' }))],
      'every row has that already',
    ],
    ['the groups of a row', [row('note', relations({ ...many, name: 'usergroup' }))], 'every row has that already'],
    ['a built-in field', [row('note', columns({ name: 'created_at', kind: 'instant' }))], 'every row has that already'],
    ['one twice', [row('note', columns(COLUMN, COLUMN))], "world 'note', column 'title' is there twice"],
    [
      'one as both',
      [row('note', { ...columns(COLUMN), ...relations({ ...many, name: 'title' }) })],
      "relation 'title' is there twice",
    ],
    ['no kind', [row('note', columns({ name: 'title' }))], "column 'title' has no kind, but one of text, integer"],
    ['a kind of objects', [row('note', columns({ ...COLUMN, kind: 'constructor' }))], 'has no kind'],
    [
      'an option of another',
      [row('note', columns({ ...COLUMN, minimum: 1 }))],
      "a text has no 'minimum', but says, optional, unique",
    ],
    ['a secret', [row('note', columns({ ...COLUMN, secret: true }))], "a text has no 'secret'"],
    ['no truth', [row('note', columns({ ...COLUMN, optional: 'yes' }))], "'optional' is not true or false"],
    ['no count', [row('note', columns({ ...COLUMN, maxLength: -1 }))], "'maxLength' is not a count"],
    [
      'least and most',
      [row('note', columns({ ...COLUMN, minLength: 3, maxLength: 2 }))],
      'its least is more than its most',
    ],
    [
      'a default of another kind',
      [row('note', columns({ ...COLUMN, kind: 'integer', default: 1.5 }))],
      "'default' is not of its kind",
    ],
    [
      'a default that is too long',
      [row('note', columns({ ...COLUMN, maxLength: 2, default: 'abc' }))],
      "column 'title': 'default' is not within its limits",
    ],
    [
      'a default that is too small',
      [row('note', columns({ ...COLUMN, kind: 'integer', minimum: 1, default: 0 }))],
      "column 'title': 'default' is not within its limits",
    ],
    [
      'a default that is no choice',
      [row('note', columns({ name: 'a', kind: 'choice', choices: ['b'], default: 'c' }))],
      "'default' is not of its kind",
    ],
    ['no choices', [row('note', columns({ name: 'a', kind: 'choice' }))], "a choice needs 'choices'"],
    ['a choice twice', [row('note', columns({ name: 'a', kind: 'choice', choices: ['b', 'b'] }))], 'different texts'],
    [
      'a relation to nothing',
      [row('note', relations({ ...many, to: 'nothing' }))],
      "relation 'notes': there is no entity 'nothing'",
    ],
    ['a relation to a link', [row('note', relations({ ...many, to: 'note_usergroup' }))], 'there is no entity'],
    [
      'a relation of no kind',
      [row('note', relations({ ...many, kind: 'has_one' }))],
      'has no kind, but one of belongs_to, has_many',
    ],
    ['a relation that is misspelt', [row('note', relations({ ...many, option: true }))], "has no 'option'"],
    [
      'a link with a long name',
      [row('n'.repeat(40), relations({ ...many, name: 'm'.repeat(20), to: 'world' }))],
      'is longer than 55',
    ],
  ])('%s', (_, rows, message) => {
    expect(() => declaredPolicy(rows)).toThrow(DeclarationError);
    expect(() => declaredPolicy(rows)).toThrow(message);
  });

  const entity = (columns: unknown, relations: unknown = []) => row('note', { columns, relations });
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no schema', row('note', 'text'), '/schema'],
    ['another member', row('note', { 'a/b~c': [] }), '/schema/a~1b~0c'],
    ['no list', entity({}), '/schema/columns'],
    [
      'too much',
      entity(Array.from({ length: 301 }, (_, index) => ({ ...COLUMN, name: `c${index}` }))),
      '/schema/columns',
    ],
    ['no name', entity([COLUMN, {}]), '/schema/columns/1'],
    ['a name that is none', row('Note', {}), '/table_name'],
    ['a column that is there twice', entity([COLUMN, COLUMN]), '/schema/columns/1/name'],
    ['no kind', entity([{ name: 'title' }]), '/schema/columns/0/kind'],
    ['an option of another', entity([COLUMN, { name: 'b', kind: 'date', minimum: 1 }]), '/schema/columns/1/minimum'],
    ['an option that does not fit', entity([{ ...COLUMN, maxLength: -1 }]), '/schema/columns/0/maxLength'],
    ['least and most', entity([{ ...COLUMN, minLength: 3, maxLength: 2 }]), '/schema/columns/0'],
    ['a relation to nothing', entity([], [{ ...many, to: 'nothing' }]), '/schema/relations/0/to'],
  ])('and with the pointer to it: %s', (_, given, place) => {
    const { id } = given;
    expect(() => declaredPolicy([row('other', {}), given])).toThrow(expect.objectContaining({ id, place }));
  });
});

test.each<[string, string, string | null]>([
  ['sample', 'label', '/schema/columns/1'],
  ['sample', 'nurse', '/schema/relations/0'],
  ['sample', 'permission', null],
  ['project', 'label', null],
])('%s.%s is in the row at %s', (type, field, place) => {
  const columns = [COLUMN, { ...COLUMN, name: 'label' }];
  const relations = [{ name: 'nurse', kind: 'belongs_to', to: 'user_account' }];
  expect(placeInRow(row('sample', { columns, relations }), type, field)).toBe(place);
});
