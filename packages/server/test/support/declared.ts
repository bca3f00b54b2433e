import {
  all,
  any,
  bits,
  boolean,
  equal,
  type Field,
  instant,
  integer,
  json,
  model,
  policy,
  type ResourceRules,
  reference,
  resource,
  rules,
  type Shape,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, DeclarationError, type Seed } from '@ostiary/server';

/** What each audience may do, as bits of a permission; on a type and on a record. */
export const BITS = {
  read: { everybody: 1, owner: 8 },
  create: { everybody: 2, owner: 16 },
  update: { everybody: 4, owner: 32 },
  delete: { everybody: 64, owner: 128 },
} as const;

/** A field as a record of `Kind` declares it. */
export interface DeclaredField {
  readonly name: string;
  readonly kind: string;
  readonly to?: string;
  readonly optional?: boolean;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly encrypted?: boolean;
}

const OWN = reference('User', { optional: true, filled: 'principal' });
const SOURCE = 'the tests';

/** The part of it that never changes: people, a type of the application's own, and what declares more of them. */
const definition = {
  name: 'declaring',
  title: 'Declaring',
  principals: { user: 'User', guest: null },
  resources: {
    User: resource({
      fields: {
        login: text({ unique: true }),
        password: text({ secret: true, minLength: 8 }),
        isAdmin: boolean({ default: false }),
      },
    }),
    Kind: resource({
      fields: {
        name: text({ unique: true }),
        fields: json({ optional: true, says: 'Of a type that is declared; empty for one of the application.' }),
        permission: integer({ default: 0 }),
        ownerId: reference('User', { optional: true }),
      },
    }),
    Notice: resource({ fields: { text: text() } }),
    Decision: resource({ fields: {}, source: 'decision' }),
  },
  typeAttributes: { permission: integer(), ownerId: reference('User', { optional: true }) },
  types: { in: 'Kind', type: 'name' },
} as const;

const staticModel = model(definition);

const staticRules = [
  ...(['User', 'Kind', 'Notice', 'Decision'] as const).map((of) =>
    rules(staticModel, of, ({ me, allow }) => [
      allow('administrator', {
        says: 'An administrator does everything.',
        source: SOURCE,
        actions: 'every',
        when: equal(me.user.isAdmin, true),
      }),
    ]),
  ),
];

const KINDS: Readonly<Record<string, (options: object) => Field>> = { text, integer, boolean, instant, json };

function fieldOf(of: string, { name, kind, to, ...options }: DeclaredField, index: number): Field {
  if (kind === 'reference') return reference(to ?? '', options as object);
  const make = KINDS[kind];
  if (make === undefined)
    throw new DeclarationError(of, `/fields/${index}/kind`, `${name}: there is no kind '${kind}'`);
  return make(options);
}

/** A type as a model whose types nobody knew: the rules about it, by the bits of the type and of the record. */
function rulesOf(shape: Shape, of: string): ResourceRules {
  return rules(shape, of, ({ it, me, type, allow }) => {
    const record = it as unknown as Readonly<Record<string, never>>;
    const attributes = type as unknown as Readonly<Record<string, never>>;
    const user = (me as unknown as { readonly user: never }).user;
    const permits = (on: Readonly<Record<string, never>>, action: keyof typeof BITS) =>
      any(
        all(equal(on.ownerId as never, user), bits(on.permission as never, BITS[action].owner)),
        bits(on.permission as never, BITS[action].everybody),
      );
    return [
      allow('administrator', {
        says: 'An administrator does everything.',
        source: SOURCE,
        actions: 'every',
        when: equal((user as { readonly isAdmin: never }).isAdmin, true as never),
      }),
      ...(Object.keys(BITS) as (keyof typeof BITS)[]).map((action) =>
        allow(action, {
          says: `The bits of the type and of the record let somebody ${action} it.`,
          source: SOURCE,
          actions: [action],
          when:
            action === 'create'
              ? permits(attributes, action)
              : all(permits(attributes, action), permits(record, action)),
        }),
      ),
    ];
  });
}

/** The application, whose records of `Kind` declare types. */
export const declaring: Application = {
  policy: policy(staticModel, staticRules),
  guests: 'guest',
  logins: { user: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'user', values: { isAdmin: true } },
  declared: {
    in: 'Kind',
    by: ['name', 'fields'],
    at: ({ name, fields }, type, field) => {
      const index = (fields as readonly DeclaredField[]).findIndex((each) => each.name === field);
      return name === type && index >= 0 ? `/fields/${index}` : null;
    },
    policy: (rows) => {
      const declared = rows.filter(({ fields }) => fields !== null) as unknown as readonly {
        readonly id: string;
        readonly name: string;
        readonly fields: readonly DeclaredField[];
      }[];
      const resources = Object.fromEntries(
        declared.map(({ id, name, fields }) => [
          name,
          resource({
            fields: {
              ...Object.fromEntries(fields.map((field, index) => [field.name, fieldOf(id, field, index)])),
              permission: integer({ default: 255 }),
              ownerId: OWN,
            },
          }),
        ]),
      );
      const shape: Shape = model({ ...definition, resources: { ...definition.resources, ...resources } } as never);
      return policy(shape, [...staticRules, ...declared.map(({ name }) => rulesOf(shape, name))]);
    },
  },
  demo: { accounts: [], load },
};

async function load(seed: Seed): Promise<void> {
  for (const login of ['admin', 'ada', 'bob']) {
    await seed.create('User', { login, password: DEMO_PASSWORD, isAdmin: login === 'admin' });
  }
  // A type that is there from the start, with a record: declared and filled in one go.
  await seed.create('Kind', { name: 'Book', fields: [{ name: 'title', kind: 'text' }], permission: 255 });
  await seed.create('Book', { title: 'The first' });
  await seed.create('Kind', { name: 'Box', fields: [{ name: 'name', kind: 'text' }], permission: 255 });
}
