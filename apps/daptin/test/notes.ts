import { type Application, DEMO_PASSWORD } from '@ostiary/server';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { BITS, EVERYTHING } from '../src/bits.js';
import { declaredPolicy } from '../src/declare.js';
import { makeAdministrator } from '../src/effects.js';
import { application } from '../src/index.js';

/** Entities whose rows are asked about: notes, and tasks that refer to them. */
export const DECLARED = [
  { table_name: 'note', schema: { columns: [{ name: 'title', kind: 'text' }] } },
  { table_name: 'task', schema: { relations: [{ name: 'note_id', kind: 'belongs_to', to: 'note', optional: true }] } },
] as const;

/** Everybody executes it, as far as the entity and the row let them. */
const TOUCH = {
  action_name: 'touch',
  permission: EVERYTHING,
  instance_optional: false,
  out_fields: [{ type: 'client.notify', attributes: { message: 'touched' } }],
};

export const policy = declaredPolicy(DECLARED);

/** Who asks: nobody, whose it is, who shares a group with it, somebody else, an administrator. */
export const WHO = ['guest', 'owner', 'member', 'stranger', 'administrator'] as const;
export type Who = (typeof WHO)[number];

const application_: Application = {
  ...application,
  demo: {
    accounts: [],
    load: async (seed) => {
      const ids: Record<string, string> = {};
      for (const name of WHO.slice(1)) {
        ids[name] = await seed.create('user_account', { name, email: `${name}@example.org`, password: DEMO_PASSWORD });
      }
      await makeAdministrator(seed, ids.administrator ?? '');
      const usergroup_id = await seed.create('usergroup', { name: 'crew' });
      await seed.create('user_account_usergroup', { user_account_id: ids.member, usergroup_id });
      const user_account_id = ids.owner;
      for (const { table_name, schema } of DECLARED) {
        const permission = EVERYTHING;
        const world_id = await seed.create('world', { table_name, schema, permission, user_account_id });
        await seed.create('world_usergroup', { world_id, usergroup_id });
        await seed.create('action', { ...TOUCH, world_id });
      }
      const noteTitled = async (title: string, owner: string | null | undefined) => {
        const note_id = await seed.create('note', { title, permission: EVERYTHING, user_account_id: owner });
        await seed.create('note_usergroup', { note_id, usergroup_id });
      };
      await noteTitled('owned', user_account_id);
      await noteTitled('ownerless', null);
    },
  },
};

/** Daptin with notes: 'owned' is the owner's, 'ownerless' nobody's, both are of the member's group. */
export interface Notes {
  readonly app: TestApplication;
  readonly ids: Readonly<Record<Who | 'owned' | 'ownerless' | 'crew', string>>;
  /** Sets the bits of the entity of notes, and of its link to the group. */
  permitType(permission: number, link?: number | null): Promise<void>;
  /** Sets the bits of one note, and of its link to the group. */
  permitNote(note: 'owned' | 'ownerless', permission: number, link?: number | null): Promise<void>;
  /** How somebody is named in a request; a guest is not. */
  as(who: Who): { readonly as?: string };
}

export async function openNotes(): Promise<Notes> {
  const app = await openApplication(application_, { template: 'daptin_notes' });
  const { pool } = app.database;
  // An entity that is declared is open to all users at first: here to the crew alone.
  await pool.query(
    `delete from daptin.world_usergroup l using daptin.usergroup g, daptin.world w
     where l.usergroup_id = g.id and g.name = 'users' and l.world_id = w.id and w.schema is not null`,
  );
  const person = (name: Who) => (name === 'guest' ? '' : app.idOf('user_account', 'name', name));
  const ids = Object.fromEntries(
    await Promise.all([
      ...WHO.map(async (name) => [name, await person(name)] as const),
      ...(['owned', 'ownerless'] as const).map(
        async (title) => [title, await app.idOf('note', 'title', title)] as const,
      ),
      (async () => ['crew', await app.idOf('usergroup', 'name', 'crew')] as const)(),
    ]),
  ) as Notes['ids'];
  return {
    app,
    ids,
    async permitType(permission, link = null) {
      await pool.query("update daptin.world set permission = $1 where table_name = 'note'", [permission]);
      await pool.query(
        "update daptin.world_usergroup l set permission = $1 from daptin.world w where w.id = l.world_id and w.table_name = 'note'",
        [link],
      );
    },
    async permitNote(note, permission, link = null) {
      await pool.query('update daptin.note set permission = $1 where id = $2', [permission, ids[note]]);
      await pool.query('update daptin.note_usergroup set permission = $1 where note_id = $2', [link, ids[note]]);
    },
    as: (who) => (who === 'guest' ? {} : { as: `${who}@example.org` }),
  };
}

export const NAMES = Object.keys(BITS) as readonly (keyof typeof BITS)[];
