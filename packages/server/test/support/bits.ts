import {
  all,
  any,
  bits,
  boolean,
  equal,
  integer,
  model,
  not,
  policy,
  present,
  reference,
  references,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed } from '@ostiary/server';

/** What each audience may do, as bits of a permission; on a type and on a record. */
export const BITS = {
  read: { everybody: 1, owner: 8, group: 64 },
  update: { everybody: 2, owner: 16, group: 128 },
} as const;

const OWN = reference('User', { optional: true });
const setOf = (mask: number) => ({
  in: 'KindInGroup',
  type: 'kindId',
  of: 'groupId',
  bits: { field: 'permission', mask, otherwise: 'permission' },
});

/** Rights as bits that change while it runs: of types, which are records of `Kind`, and of records; each may be in groups. */
const bitsModel = model({
  name: 'bits',
  title: 'Bits',
  principals: { user: 'User', guest: null },
  resources: {
    User: resource({
      fields: {
        login: text({ unique: true }),
        password: text({ secret: true, minLength: 8 }),
        isAdmin: boolean({ default: false }),
      },
    }),
    Group: resource({ fields: { name: text({ unique: true }) } }),
    UserInGroup: resource({ fields: { userId: reference('User'), groupId: reference('Group') } }),
    Kind: resource({ fields: { name: text({ unique: true }), permission: integer({ default: 0 }), ownerId: OWN } }),
    KindInGroup: resource({
      fields: {
        kindId: reference('Kind', { cascades: true }),
        groupId: reference('Group', { cascades: true }),
        permission: integer({ optional: true }),
      },
    }),
    Note: resource({ fields: { text: text(), permission: integer({ default: 0 }), ownerId: OWN } }),
    NoteInGroup: resource({
      fields: {
        noteId: reference('Note', { cascades: true }),
        groupId: reference('Group', { cascades: true }),
        permission: integer({ optional: true }),
      },
    }),
    Decision: resource({ fields: {}, source: 'decision' }),
  },
  roles: { Group: ['member'] },
  grants: [{ in: 'UserInGroup', holder: 'userId', role: 'member', on: { scope: 'Group', field: 'groupId' } }],
  typeAttributes: {
    permission: integer(),
    ownerId: OWN,
    readGroupIds: references('Group'),
    updateGroupIds: references('Group'),
  },
  types: {
    in: 'Kind',
    type: 'name',
    sets: { readGroupIds: setOf(BITS.read.group), updateGroupIds: setOf(BITS.update.group) },
  },
});

const SOURCE = 'the tests';
const TYPES = ['User', 'Group', 'UserInGroup', 'Kind', 'KindInGroup', 'Note', 'NoteInGroup', 'Decision'] as const;

const administration = TYPES.map((of) =>
  rules(bitsModel, of, ({ me, allow }) => [
    allow('administrator', {
      says: 'An administrator does everything.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.user.isAdmin, true),
    }),
  ]),
);

const notes = rules(bitsModel, 'Note', ({ it, me, type, allow, holds, linked }) =>
  (['read', 'update'] as const).map((action) => {
    const { everybody, owner, group } = BITS[action];
    const ofType = any(
      all(equal(type.ownerId, me.user), bits(type.permission, owner)),
      holds('Group member', action === 'read' ? type.readGroupIds : type.updateGroupIds),
      bits(type.permission, everybody),
    );
    const ofRecord = any(
      all(equal(it.ownerId, me.user), bits(it.permission, owner)),
      linked('NoteInGroup', 'noteId', (link) =>
        all(
          holds('Group member', link.groupId),
          any(bits(link.permission, group), all(not(present(link.permission)), bits(it.permission, group))),
        ),
      ),
      bits(it.permission, everybody),
    );
    return allow(action, {
      says: `The bits of the type and of the note let somebody ${action} it.`,
      source: SOURCE,
      actions: [action],
      when: all(ofType, ofRecord),
    });
  }),
);

export const LOGINS = ['admin', 'owner', 'member', 'stranger'] as const;

async function load(seed: Seed): Promise<void> {
  const users: Record<string, string> = {};
  for (const login of LOGINS) {
    users[login] = await seed.create('User', { login, password: DEMO_PASSWORD, isAdmin: login === 'admin' });
  }
  const groupId = await seed.create('Group', { name: 'Crew' });
  await seed.create('UserInGroup', { userId: users.member, groupId });
  const kindId = await seed.create('Kind', { name: 'Note', permission: BITS.read.everybody, ownerId: users.owner });
  await seed.create('KindInGroup', { kindId, groupId });
  for (const [name, ownerId] of [
    ['owned', users.owner],
    ['ownerless', null],
  ] as const) {
    const noteId = await seed.create('Note', { text: name, permission: BITS.read.everybody, ownerId });
    await seed.create('NoteInGroup', { noteId, groupId });
  }
}

/** The application on that model. */
export const bitsApplication: Application = {
  policy: policy(bitsModel, [...administration, notes]),
  guests: 'guest',
  logins: { user: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'user', values: { isAdmin: true } },
  demo: { accounts: [], load },
};
