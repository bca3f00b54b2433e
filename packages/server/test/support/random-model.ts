/**
 * Random rules over one model, random data in its tables, and the question whether every reader of the policy gives the
 * same answer to each (principal, action, record). The model has a bit of everything; the rules are what varies.
 */
import {
  boolean as bool,
  type Condition,
  choice,
  date,
  expandRole,
  type Field,
  type Fields,
  findField,
  instant,
  integer,
  isDate,
  json,
  type Model,
  model,
  number,
  type Operand,
  type Policy,
  parent,
  policy,
  type Rule,
  reference,
  references,
  resource,
  snakeCase,
  splitRole,
  text,
  texts,
  type Value,
} from '@ostiary/policy';
import { columnOf, holdingsView, holdingTable, schemaOf, tableOf, typeOf } from '@ostiary/policy/sql';
import fc from 'fast-check';

const optional = { optional: true };

export const MODEL = model({
  name: 'one-tree',
  title: 'One tree',
  resources: {
    Org: resource({ fields: { name: text(optional), seats: integer(optional), active: bool(optional) } }),
    Site: resource({
      fields: {
        orgId: parent('Org', optional),
        label: text(optional),
        tags: texts(optional),
        mask: integer(optional),
        opensAt: instant(optional),
      },
    }),
    Project: resource({
      fields: {
        siteId: parent('Site', optional),
        ownerId: reference('Person', optional),
        memberIds: references('Person', optional),
        status: choice(['draft', 'live', 'closed'], optional),
        budget: number(optional),
        startsAt: instant(optional),
        endsAt: instant(optional),
        day: date(optional),
      },
    }),
    Session: resource({
      fields: {
        projectId: parent('Project', optional),
        personId: reference('Person', optional),
        deviceId: reference('Device', optional),
        siteIds: references('Site', optional),
        groupIds: references('Group', optional),
        title: text(optional),
        tags: texts(optional),
        count: integer(optional),
        score: number(optional),
        done: bool(optional),
        at: instant(optional),
        day: date(optional),
        state: choice(['draft', 'live', 'closed'], optional),
        mask: integer(optional),
        extra: json(optional),
      },
    }),
    SessionPerson: resource({
      fields: {
        sessionId: reference('Session', optional),
        personId: reference('Person', optional),
        projectId: reference('Project', optional),
        note: text(optional),
        mask: integer(optional),
        until: instant(optional),
      },
    }),
    Person: resource({
      fields: {
        orgId: reference('Org', optional),
        siteId: reference('Site', optional),
        projectIds: references('Project', optional),
        groupIds: references('Group', optional),
        role: text(optional),
        level: integer(optional),
        weight: number(optional),
        active: bool(optional),
        born: date(optional),
        since: instant(optional),
        tags: texts(optional),
        mask: integer(optional),
        permissions: json(optional),
      },
    }),
    Device: resource({
      fields: { siteId: reference('Site', optional), label: text(optional), level: integer(optional) },
    }),
    Group: resource({ fields: { name: text(optional), siteId: reference('Site', optional) } }),
    Membership: resource({
      fields: { groupId: reference('Group', optional), personId: reference('Person', optional) },
    }),
    OrgRole: resource({
      fields: { personId: reference('Person', optional), orgId: reference('Org', optional), role: text(optional) },
    }),
    SiteRole: resource({
      fields: {
        personId: reference('Person', optional),
        siteId: reference('Site', optional),
        role: choice(['admin', 'user'], optional),
        startsAt: instant(optional),
        endsAt: instant(optional),
        active: bool(optional),
        revoked: bool(optional),
      },
    }),
    ProjectRole: resource({
      fields: {
        groupId: reference('Group', optional),
        projectIds: references('Project', optional),
        role: choice(['admin', 'user'], optional),
        firstDay: date(optional),
        lastDay: date(optional),
      },
    }),
    DeviceRole: resource({ fields: { deviceId: reference('Device', optional), siteId: reference('Site', optional) } }),
  },
  principals: { person: 'Person', device: 'Device', guest: null },
  roles: {
    installation: ['superadmin', 'support'],
    Org: ['admin', 'viewer'],
    Site: ['admin', 'user', 'operator'],
    Project: ['admin', 'user'],
    Group: ['member'],
  },
  implications: {
    superadmin: ['Org admin', 'support'],
    'Org admin': ['Site admin'],
    'Site admin': ['Site user', 'Project admin'],
    'Site user': ['Org viewer'],
    'Project admin': ['Project user'],
    'Project user': ['Site user'],
  },
  grants: [
    { in: 'Person', holder: 'id', role: { field: 'role', is: { ADMIN: 'superadmin', "it's": 'support' } } },
    { in: 'OrgRole', holder: 'personId', role: { field: 'role' }, on: { scope: 'Org', field: 'orgId' } },
    {
      in: 'SiteRole',
      holder: 'personId',
      role: { field: 'role' },
      on: { scope: 'Site', field: 'siteId' },
      from: 'startsAt',
      until: 'endsAt',
      when: ['active'],
      unless: ['revoked'],
    },
    {
      in: 'ProjectRole',
      holder: 'groupId',
      members: { in: 'Membership', group: 'groupId', member: 'personId' },
      role: { field: 'role', is: { admin: 'admin', user: 'user' } },
      on: { scope: 'Project', field: 'projectIds' },
      from: 'firstDay',
      until: 'lastDay',
    },
    { in: 'DeviceRole', holder: 'deviceId', role: 'operator', on: { scope: 'Site', field: 'siteId' } },
    { in: 'Membership', holder: 'personId', role: 'member', on: { scope: 'Group', field: 'groupId' } },
  ],
  permissions: {
    in: 'Person',
    field: 'permissions',
    scope: 'Site',
    scopeKey: 'site',
    at: { Site: 'id', Project: 'siteId', Session: 'siteIds' },
    anyAction: 'manage',
    anyResource: 'all',
  },
  typeAttributes: {
    mask: integer(),
    siteIds: references('Site'),
    projectId: reference('Project'),
    closesAt: instant(),
    open: bool(),
  },
}) as unknown as Model;

/**
 * The statements that make the tables, and the view of who holds what; as a table that is filled from the view if
 * `materialised`, since planning a query over the view costs more than all else.
 */
export function tables(materialised: boolean): readonly string[] {
  const create = Object.entries(MODEL.resources).map(([type, { fields }]) => {
    const columns = Object.entries(fields).map(([name, field]) => `${columnOf(name)} ${typeOf(field)}`);
    const own = ['id uuid primary key', 'created_at timestamptz not null', 'updated_at timestamptz not null'];
    return `create table ${tableOf(MODEL, type)} (${[...own, ...columns].join(', ')})`;
  });
  const view = holdingsView(MODEL);
  if (!materialised) return [`create schema ${schemaOf(MODEL)}`, ...create, view];
  const held = holdingTable(MODEL);
  return [
    `create schema ${schemaOf(MODEL)}`,
    ...create,
    view.replaceAll(held, HELD_VIEW),
    `create table ${held} as select * from ${HELD_VIEW} with no data`,
  ];
}

const HELD_VIEW = `${schemaOf(MODEL)}.holding_view`;

// ─── Data ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A record as the API would show it. */
export type Row = Readonly<Record<string, unknown>> & { readonly id: string };
/** Every record, by type and id. */
export type World = Readonly<Record<string, ReadonlyMap<string, Row>>>;

const TYPES = Object.keys(MODEL.resources);
const MOST: Readonly<Record<string, number>> = {
  Session: 32,
  Project: 8,
  Person: 12,
  SessionPerson: 16,
  Membership: 8,
  SiteRole: 12,
};
const mostOf = (type: string) => MOST[type] ?? 4;

export function idOf(type: string, index: number): string {
  // A device has the id of a person: only their kinds tell them apart.
  const [a, b] = [TYPES.indexOf(type === 'Device' ? 'Person' : type), index].map((value) =>
    value.toString(16).padStart(2, '0'),
  );
  return `abcdef${a}-0000-7000-8000-0000000000${b}`;
}

const STRINGS = ['', 'a', 'A', "it's", '100%', 'a_b', 'back\\slash', 'ünï☃', '😀', 'e\u0301', '{a,"b"}', 'null', ' a '];
const CHOICES = ['draft', 'live', 'closed'];
const ROLES = ['admin', 'user', 'viewer', 'ADMIN'];
const WHOLE = [0, -0, 1, 2, 3, 7, -1, 2 ** 31 - 1, -(2 ** 31)];
const FRACTIONS = [1.5, 0.1, -2.5, 1e300, 1e-7, 2 ** 31, 2 ** 53];
export const INSTANTS = [
  '0001-01-01T00:00:00.000Z',
  '2026-02-28T23:59:59.999Z',
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T12:00:00.000Z',
  '2026-03-01T12:00:00.001Z',
  '9999-12-31T23:59:59.999Z',
];
const DATES = ['0001-01-01', '2024-02-29', '2026-02-28', '2026-03-01', '2026-03-02', '9999-12-31'];

const JSON_NULL = { json: 'null' };
const permissionArb = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        action: fc.constantFrom('manage', 'read', 'update', 'list', 'nonsense'),
        resource: fc.constantFrom('all', 'Session', 'Project', 'Site', 'Org', 'nonsense'),
        site: fc.oneof(
          { weight: 6, arbitrary: fc.nat(mostOf('Site') - 1).map((index) => idOf('Site', index)) },
          { weight: 1, arbitrary: fc.constantFrom<unknown>(null, 'not-an-id', 5, idOf('Site', 0).toUpperCase(), {}) },
        ),
      },
      { requiredKeys: ['action', 'resource'] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, 'word', 7, []) },
);

function valueArb(name: string, field: Field): fc.Arbitrary<unknown> {
  const nil = (arbitrary: fc.Arbitrary<unknown>) => fc.option(arbitrary, { freq: 5, nil: null });
  if (name === 'permissions') {
    return fc.oneof(
      { weight: 6, arbitrary: fc.constant(null) },
      { weight: 2, arbitrary: fc.array(permissionArb, { maxLength: 2 }) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>('text', {}, JSON_NULL) },
    );
  }
  if (field.to !== null) {
    const one = fc.nat(mostOf(field.to) - 1).map((index) => idOf(field.to ?? '', index));
    return nil(field.many ? fc.uniqueArray(one, { maxLength: 3 }) : one);
  }
  switch (field.kind) {
    case 'text': {
      const words = name === 'role' ? [...ROLES, "it's"] : STRINGS;
      return nil(field.many ? fc.uniqueArray(fc.constantFrom(...words), { maxLength: 3 }) : fc.constantFrom(...words));
    }
    case 'choice':
      return nil(fc.constantFrom(...(field.choices ?? [])));
    case 'integer':
      return nil(fc.constantFrom(...WHOLE));
    case 'number':
      return nil(fc.constantFrom(...WHOLE, ...FRACTIONS));
    case 'boolean':
      return nil(name === 'active' ? fc.constantFrom(true, true, false) : fc.boolean());
    case 'instant':
      return nil(fc.constantFrom(...INSTANTS));
    case 'date':
      return nil(fc.constantFrom(...DATES));
    default:
      return nil(fc.constantFrom<unknown>(1, 'text', {}, [], JSON_NULL));
  }
}

export const worldArb: fc.Arbitrary<World> = fc
  .record(
    Object.fromEntries(
      TYPES.map((type) => {
        const fields = Object.entries(MODEL.resources[type]?.fields as Fields);
        const row = fc.record({
          createdAt: fc.constantFrom(...INSTANTS),
          updatedAt: fc.constantFrom(...INSTANTS),
          ...Object.fromEntries(fields.map(([name, field]) => [name, valueArb(name, field)])),
        });
        const most = mostOf(type);
        const few = fc.array(row, { maxLength: most, size: 'max' });
        const many = fc.array(row, { minLength: Math.ceil(most * 0.75), maxLength: most, size: 'max' });
        return [type, fc.oneof({ withCrossShrink: true }, few, { weight: 4, arbitrary: many })];
      }),
    ),
  )
  .map((tables) => {
    const lengths = new Map(Object.entries(tables).map(([type, rows]) => [type, rows.length]));
    const exists = (type: string, id: unknown) =>
      typeof id === 'string' && Number.parseInt(id.slice(-2), 16) < (lengths.get(type) ?? 0);
    const world = Object.fromEntries(
      Object.entries(tables).map(([type, rows]) => [
        type,
        new Map(
          rows.map((row, index): [string, Row] => {
            const id = idOf(type, index);
            const whole: Record<string, unknown> = { id };
            // A reference leads to a record that there is, or nowhere.
            for (const [name, value] of Object.entries(row)) {
              const to = findField(MODEL, type, name)?.to ?? null;
              const kept = Array.isArray(value) && to ? value.filter((id) => exists(to, id)) : value;
              whole[name] = to === null || Array.isArray(kept) || exists(to, kept) ? kept : null;
            }
            return [id, whole as Row];
          }),
        ),
      ]),
    );
    return Object.defineProperty(world, fc.toStringMethod, { value: () => worldInWords(world) });
  });

function worldInWords(world: World): string {
  const filled = Object.values(world).flatMap((rows) => [...rows.values()]);
  const rows = filled.map((row) => JSON.stringify(row, (_, value) => (value === null ? undefined : value)));
  return `\nrecords:\n${rows.join('\n')}\n`;
}

export interface Client {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

/** Puts a world into the tables, in place of what was there. */
export async function store(client: Client, world: World, materialised: boolean): Promise<void> {
  await client.query(TYPES.map((type) => `delete from ${tableOf(MODEL, type)}`).join(';'));
  for (const type of TYPES) {
    const rows = [...(world[type]?.values() ?? [])].map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [snakeCase(name), value])),
    );
    const table = tableOf(MODEL, type);
    const insert = `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1::jsonb)`;
    if (rows.length > 0) await client.query(insert, [JSON.stringify(rows)]);
  }
  for (const [type, name] of [
    ['Session', 'extra'],
    ['Person', 'permissions'],
  ] as const) {
    const column = columnOf(name);
    await client.query(`update ${tableOf(MODEL, type)} set ${column} = 'null' where ${column} = $1`, [JSON_NULL]);
  }
  if (!materialised) return;
  const held = holdingTable(MODEL);
  await client.query(`delete from ${held}; insert into ${held} select * from ${HELD_VIEW}`);
}

/** What a rule sees of a field's value: of json, only whether there is any. */
export function seen(type: string, name: string, row: Row): Value {
  const value = row[name] ?? null;
  if (findField(MODEL, type, name)?.kind !== 'json') return value as Value;
  return value === null || value === JSON_NULL || JSON.stringify(value) === JSON.stringify(JSON_NULL) ? null : true;
}

// ─── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** An operand with what it can be compared with. */
interface Candidate {
  readonly operand: Operand;
  readonly sort: string;
  readonly many: boolean;
  readonly kind: Field['kind'];
}

function sortOf(field: Field): string {
  if (field.kind === 'reference') return `id ${field.to}`;
  return field.kind === 'integer' ? 'number' : field.kind === 'choice' ? 'text' : field.kind;
}

function candidates(type: string, make: (path: readonly string[]) => Operand, depth: number): Candidate[] {
  const found: Candidate[] = [];
  const visit = (at: string, path: readonly string[]): void => {
    const names = ['id', 'createdAt', ...Object.keys(MODEL.resources[at]?.fields ?? {})];
    for (const name of names) {
      // The id of what a reference leads to is the reference itself.
      if (name === 'id' && path.length > 0) continue;
      const field = findField(MODEL, at, name) as Field;
      found.push({ operand: make([...path, name]), sort: sortOf(field), many: field.many, kind: field.kind });
      if (field.to !== null && !field.many && name !== 'id' && path.length + 1 < depth)
        visit(field.to, [...path, name]);
    }
  };
  visit(type, []);
  return found;
}

const remembered = new Map<string, unknown>();

/** What a function made of the same arguments before: to make an arbitrary costs more than to draw from it. */
function once<T>(make: () => T, ...key: readonly unknown[]): T {
  const name = JSON.stringify(key);
  if (!remembered.has(name)) remembered.set(name, make());
  return remembered.get(name) as T;
}

/** What a rule about records of a type can speak of; most of it near the record. */
function candidatesFor(type: string): readonly Candidate[] {
  return once(() => allCandidates(type), 'candidates', type);
}

function allCandidates(type: string): readonly Candidate[] {
  const near = candidates(type, (path) => ({ from: 'record', path }), 1);
  return [
    ...near,
    ...near,
    ...candidates(type, (path) => ({ from: 'record', path }), 3),
    ...candidates('Person', (path) => ({ from: 'principal', kind: 'person', path }), 1),
    ...candidates('Person', (path) => ({ from: 'principal', kind: 'person', path }), 2),
    ...candidates('Device', (path) => ({ from: 'principal', kind: 'device', path }), 2),
    ...Object.entries(MODEL.typeAttributes ?? {}).map(
      ([name, field]): Candidate => ({
        operand: { from: 'type', type, field: name },
        sort: sortOf(field),
        many: field.many,
        kind: field.kind,
      }),
    ),
    { operand: { from: 'now' }, sort: 'instant', many: false, kind: 'instant' },
    { operand: { from: 'today' }, sort: 'date', many: false, kind: 'date' },
  ];
}

/** Constants, among them some that no value of the database can be. */
function constantArb(sort: string): fc.Arbitrary<string | number | boolean> {
  switch (sort) {
    case 'number':
      return fc.constantFrom(...WHOLE, ...FRACTIONS);
    case 'boolean':
      return fc.boolean();
    case 'instant':
      return fc.constantFrom(...INSTANTS);
    case 'date':
      return fc.constantFrom(...DATES.filter(isDate));
    case 'text':
      return fc.constantFrom(...STRINGS, ...CHOICES, ...ROLES, 'zero\0', 'half \ud83d', 'not-a-uuid');
    default: {
      const type = sort.slice(3);
      const id = fc.nat(mostOf(type) - 1).map((index) => idOf(type, index));
      const odd = fc.constantFrom('', 'not-a-uuid', `{${idOf(type, 0)}}`, "'; --");
      const upper = id.map((id) => id.toUpperCase());
      return fc.oneof({ weight: 5, arbitrary: id }, { weight: 1, arbitrary: odd }, { weight: 1, arbitrary: upper });
    }
  }
}

const constant = (value: Value): Operand => ({ from: 'constant', value });

/** What a candidate can be compared with. */
function otherArb(type: string, { sort }: Candidate, many: boolean): fc.Arbitrary<Operand> {
  return once(
    () => {
      const fitting = candidatesFor(type).filter((other) => other.sort === sort && other.many === many);
      const scalar = constantArb(sort);
      const literal = (many ? fc.array(scalar, { maxLength: 3 }) : scalar).map((value) => constant(value as Value));
      if (fitting.length === 0) return literal;
      return fc.oneof(
        { weight: 2, arbitrary: literal },
        { weight: 3, arbitrary: fc.constantFrom(...fitting).map((other) => other.operand) },
      );
    },
    'other',
    type,
    sort,
    many,
  );
}

function leafArb(type: string): fc.Arbitrary<Condition> {
  return once(() => makeLeafArb(type), 'leaf', type);
}

function makeLeafArb(type: string): fc.Arbitrary<Condition> {
  const all = candidatesFor(type);
  const from = (keep: (candidate: Candidate) => boolean) => fc.constantFrom(...all.filter(keep));
  const ordered = ['number', 'instant', 'date'];
  const either = (flip: boolean, a: Operand, b: Operand) => (flip ? ([b, a] as const) : ([a, b] as const));
  const equal = from(({ many, sort }) => !many && sort !== 'json').chain((one) =>
    fc.tuple(otherArb(type, one, false), fc.boolean()).map(([other, flip]): Condition => {
      const [left, right] = either(flip, one.operand, other);
      return { op: 'equal', left, right };
    }),
  );
  const compared = from(({ many, sort }) => !many && ordered.includes(sort)).chain((one) =>
    fc
      .tuple(otherArb(type, one, false), fc.boolean(), fc.constantFrom('less' as const, 'atMost' as const))
      .map(([other, flip, op]): Condition => {
        const [left, right] = either(flip, one.operand, other);
        return { op, left, right };
      }),
  );
  const memberOf = from(({ many, sort }) => !many && sort !== 'json').chain((one) =>
    otherArb(type, one, true).map((set): Condition => ({ op: 'member', element: one.operand, set })),
  );
  const memberIn = from(({ many }) => many).chain((set) =>
    otherArb(type, set, false).map((element): Condition => ({ op: 'member', element, set: set.operand })),
  );
  const overlap = from(({ many }) => many).chain((one) =>
    fc
      .tuple(otherArb(type, one, true), fc.boolean(), fc.constantFrom('overlap' as const, 'subset' as const))
      .map(([other, flip, op]): Condition => {
        const [left, right] = either(flip, one.operand, other);
        return { op, left, right };
      }),
  );
  const jsons = all.filter(({ kind }) => kind === 'json');
  const present = fc
    .constantFrom(...all, ...jsons, ...jsons, ...jsons)
    .map(({ operand }): Condition => ({ op: 'present', value: operand }));
  const empty = from(({ many }) => many).map(({ operand }): Condition => ({ op: 'empty', value: operand }));
  const bits = fc
    .tuple(
      from(({ kind, many }) => kind === 'integer' && !many),
      fc.constantFrom(1, 2, 3, 6, 2 ** 20, 2 ** 31 - 1),
    )
    .map(([{ operand }, wanted]): Condition => ({ op: 'bits', value: operand, bits: wanted }));
  const kind = fc.constantFrom('person', 'device', 'guest').map((kind): Condition => ({ op: 'kind', kind }));
  return fc.oneof(
    { weight: 5, arbitrary: equal },
    { weight: 4, arbitrary: compared },
    { weight: 4, arbitrary: memberOf },
    { weight: 3, arbitrary: memberIn },
    { weight: 3, arbitrary: overlap },
    { weight: 2, arbitrary: present },
    { weight: 2, arbitrary: empty },
    { weight: 3, arbitrary: bits },
    { weight: 1, arbitrary: kind },
    { weight: 1, arbitrary: fc.constant<Condition>({ op: 'loggedIn' }) },
    { weight: 6, arbitrary: holdsArb(type) },
    { weight: 1, arbitrary: fc.constantFrom<Condition>({ op: 'always' }, { op: 'never' }) },
  );
}

const ROLE_NAMES = Object.entries(MODEL.roles as Record<string, readonly string[]>).flatMap(([scope, roles]) =>
  roles.map((role) => (scope === 'installation' ? role : `${scope} ${role}`)),
);

function holdsArb(type: string): fc.Arbitrary<Condition> {
  return fc.oneof(...ROLE_NAMES.map((name) => holdsRoleArb(type, name)));
}

function holdsRoleArb(type: string, name: string): fc.Arbitrary<Condition> {
  const { scope } = splitRole(MODEL, name);
  const alone = impliedBySameScopeAlone(name);
  const places = candidatesFor(type).filter(
    ({ operand, sort, many }) => sort === `id ${scope}` && (alone || (!many && operand.from !== 'type')),
  );
  const held = fc.constant(expandRole(MODEL, name, null, false));
  if (places.length === 0) return held;
  const there = fc.constantFrom(...places).map(({ operand, many }) => expandRole(MODEL, name, operand, many));
  return fc.oneof({ weight: 5, arbitrary: there }, { weight: 1, arbitrary: held });
}

/** A role that others imply downward can be asked for on one field alone, and not on an attribute of a type. */
function impliedBySameScopeAlone(name: string): boolean {
  try {
    expandRole(MODEL, name, { from: 'type', type: 'Session', field: 'siteIds' }, true);
    return true;
  } catch {
    return false;
  }
}

/** Links to records of a type: those that refer to it by one field. */
function linksTo(type: string): readonly { readonly type: string; readonly via: string }[] {
  return TYPES.flatMap((from) =>
    Object.entries(MODEL.resources[from]?.fields as Fields)
      .filter(([, field]) => field.to === type && !field.many)
      .map(([via]) => ({ type: from, via })),
  );
}

/** Which types a rule of a type may ask about by 'may', without going in circles. */
const ABOVE: Readonly<Record<string, readonly string[]>> = {
  Session: ['Project', 'Site', 'Org', 'Person'],
  Person: ['Site', 'Org'],
  Project: ['Site', 'Org'],
  Site: ['Org'],
};

function conditionArb(type: string, depth: number, mays = ABOVE[type] ?? []): fc.Arbitrary<Condition> {
  return once(() => makeConditionArb(type, depth, mays), 'condition', type, depth, mays);
}

function makeConditionArb(type: string, depth: number, mays: readonly string[]): fc.Arbitrary<Condition> {
  const leaf = leafArb(type);
  if (depth === 0) return leaf;
  const inner = conditionArb(type, depth - 1, mays);
  const several = fc.array(inner, { minLength: 1, maxLength: 3 });
  const references = candidatesFor(type).filter(
    ({ operand, many, sort }) => operand.from === 'record' && !many && sort.startsWith('id '),
  );
  const linkable = references
    .map(({ operand, sort }) => ({ at: pathOf(operand), links: linksTo(sort.slice(3)) }))
    .filter(({ at, links }) => links.length > 0 && at.length < 3);
  const own = linkable.filter(({ at }) => at[0] === 'id');
  const places = [...own, ...own, ...linkable];
  const linked =
    places.length === 0
      ? leaf
      : fc
          .constantFrom(...places)
          .chain(({ at, links }) =>
            fc
              .constantFrom(...links)
              .chain((link) =>
                conditionArb(link.type, Math.min(depth - 1, 1), mays).map(
                  (where): Condition => ({ op: 'linked', ...link, at, where }),
                ),
              ),
          );
  const askable = references.filter(({ operand, sort }) => pathOf(operand)[0] !== 'id' && mays.includes(sort.slice(3)));
  const may =
    askable.length === 0
      ? leaf
      : fc
          .tuple(fc.constantFrom(...askable), fc.constantFrom('read', 'update', 'list'))
          .map(([{ operand }, action]): Condition => ({ op: 'may', action, path: pathOf(operand) }));
  return fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 5, arbitrary: leaf },
    { weight: 3, arbitrary: several.map((of): Condition => ({ op: 'all', of })) },
    { weight: 3, arbitrary: several.map((of): Condition => ({ op: 'any', of })) },
    { weight: 3, arbitrary: inner.map((of): Condition => ({ op: 'not', of })) },
    { weight: 2, arbitrary: linked },
    { weight: 1, arbitrary: may },
    { weight: 1, arbitrary: inner.map((of): Condition => ({ op: 'named', says: 'it is so', of })) },
  );
}

function pathOf(operand: Operand): readonly string[] {
  return operand.from === 'record' ? operand.path : [];
}

export const ACTIONS = ['list', 'read', 'update'] as const;

function rulesArb(type: string, depth: number, most: number): fc.Arbitrary<readonly Rule[]> {
  return once(() => makeRulesArb(type, depth, most), 'rules', type, depth, most);
}

function makeRulesArb(type: string, depth: number, most: number): fc.Arbitrary<readonly Rule[]> {
  const names = Object.keys(MODEL.resources[type]?.fields ?? {});
  const rule = fc.record({
    effect: fc.constantFrom('allow' as const, 'allow' as const, 'allow' as const, 'forbid' as const),
    actions: fc.constantFrom(['read'], ['read', 'update'], ['update'], ['list', 'read'], ['list']),
    fields: fc.option(fc.constantFrom(names.slice(0, 1), names.slice(0, 2)), { freq: 4, nil: undefined }),
    when: conditionArb(type, depth),
  });
  return fc.array(rule, { minLength: 1, maxLength: most }).map((made) =>
    made.map(({ fields, ...rule }, index) => ({
      ...rule,
      id: `${type}/${index}`,
      type,
      says: `Rule ${index} of ${type}.`,
      source: 'random',
      ...(fields ? { fields } : {}),
    })),
  );
}

/** A policy, with the type that the question is about. */
export interface Rulebook {
  readonly type: string;
  readonly policy: Policy;
}

export const rulebookArb: fc.Arbitrary<Rulebook> = fc
  .constantFrom('Session', 'Session', 'Session', 'Project', 'Site', 'Person')
  .chain((type) => {
    const above = (ABOVE[type] ?? []).filter((other) => other !== type);
    return fc.tuple(rulesArb(type, 3, 4), ...above.map((other) => rulesArb(other, 1, 2))).map((written): Rulebook => {
      const entries = [type, ...above].map((of, index) => ({ type: of, rules: written[index] ?? [], limits: [] }));
      const made = { type, policy: policy(MODEL, entries) };
      return Object.defineProperty(made, fc.toStringMethod, { value: () => `rules of ${type}, as below` });
    });
  });

/** The attributes of types: some of them known, some not. */
export const typesArb = fc.option(
  fc
    .constantFrom('Session', 'Project', 'Site', 'Person', 'Org')
    .chain((type) =>
      fc
        .record(
          Object.fromEntries(
            Object.entries(MODEL.typeAttributes ?? {}).map(([name, field]) => [name, valueArb(name, field)]),
          ),
          { requiredKeys: [] },
        )
        .map((attributes) => ({ [type]: attributes as Readonly<Record<string, Value>> })),
    ),
  { nil: undefined },
);
