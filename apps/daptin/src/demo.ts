import { DEMO_PASSWORD, type Demo, type Seed } from '@ostiary/server';
import { EVERYTHING, permission } from './bits.js';
import { makeAdministrator } from './effects.js';
import { openSignup } from './initial.js';

/** What was declared here, as an administrator would post it. */
export const DEMO_ENTITIES = [
  {
    table_name: 'study',
    default_permission: permission('GuestPeek', 'UserRead', 'UserUpdate', 'UserRefer', 'GroupRead', 'GroupRefer'),
    schema: {
      columns: [
        { name: 'title', kind: 'text', minLength: 1, maxLength: 200 },
        { name: 'status', kind: 'choice', choices: ['planned', 'running', 'closed'], default: 'planned' },
      ],
    },
  },
  {
    table_name: 'sample',
    default_permission: permission('UserRead', 'UserUpdate', 'UserDelete', 'UserRefer', 'GroupPeek'),
    schema: {
      columns: [
        { name: 'label', kind: 'text', unique: true, maxLength: 40 },
        { name: 'taken_at', kind: 'instant', optional: true },
        { name: 'weight', kind: 'number', minimum: 0, optional: true },
      ],
      relations: [{ name: 'study_id', kind: 'belongs_to', to: 'study' }],
    },
  },
  {
    table_name: 'notice',
    default_permission: permission('GuestRead', 'UserUpdate', 'UserDelete'),
    schema: {
      columns: [{ name: 'words', kind: 'text', maxLength: 2_000 }],
      relations: [{ name: 'studies', kind: 'has_many', to: 'study' }],
    },
  },
] as const;

interface People {
  readonly bo: string;
  readonly cy: string;
  readonly nurses: string;
  readonly laboratory: string;
}

async function load(seed: Seed): Promise<void> {
  await openSignup(seed);
  const people = await loadPeople(seed);
  for (const { table_name, default_permission, schema } of DEMO_ENTITIES) {
    const world_id = await seed.create('world', { table_name, default_permission, schema });
    await seed.create('world_usergroup', { world_id, usergroup_id: people.nurses });
  }
  await seed.create('oauth_connect', {
    name: 'google',
    client_id: 'put yours here',
    client_secret: 'and its secret',
    allow_login: false,
  });
  await loadRows(seed, people);
}

async function loadPeople(seed: Seed): Promise<People> {
  const user = (name: string, email: string) =>
    seed.create('user_account', { name, email, password: DEMO_PASSWORD, verified_email: email });
  await makeAdministrator(seed, await user('Ada Administrator', 'admin@example.org'));
  const [bo, cy] = [await user('Bo Brandt', 'bo@example.org'), await user('Cy Costa', 'cy@example.org')];
  const nurses = await seed.create('usergroup', { name: 'nurses', user_account_id: bo });
  const laboratory = await seed.create('usergroup', { name: 'laboratory', user_account_id: cy });
  for (const [user_account_id, usergroup_id] of [
    [bo, nurses],
    [cy, nurses],
    [cy, laboratory],
  ] as const) {
    await seed.create('user_account_usergroup', { user_account_id, usergroup_id });
  }
  return { bo, cy, nurses, laboratory };
}

/** Rows of what was declared, under different permissions. */
async function loadRows(seed: Seed, { bo, cy, nurses, laboratory }: People): Promise<void> {
  const [user_account_id, usergroup_id] = [bo, nurses];
  const study = (title: string, permission?: number) =>
    seed.create('study', { title, user_account_id, ...(permission === undefined ? {} : { permission }) });
  const sleep = await study(
    'Sleep',
    EVERYTHING & ~permission('GuestCreate', 'GuestUpdate', 'GuestDelete', 'GuestRefer'),
  );
  const pain = await study('Pain');
  await study('Nothing that anybody sees', 0);
  await seed.create('study_usergroup', { study_id: pain, usergroup_id });
  for (const [label, study_id] of [
    ['S-1', sleep],
    ['P-1', pain],
  ] as const) {
    const sample_id = await seed.create('sample', { label, study_id, user_account_id });
    await seed.create('sample_usergroup', { sample_id, usergroup_id });
  }
  const open = await seed.create('notice', { words: 'Volunteers are welcome on Mondays.', user_account_id: bo });
  await seed.create('notice_studies', { notice_id: open, study_id: sleep });
  // What the link to a group says holds in place of what the row says: so the nurses don't read it.
  const inside = await seed.create('notice', {
    words: 'The freezer is being repaired.',
    user_account_id: cy,
    permission: permission('UserRead', 'UserUpdate', 'GroupRead'),
  });
  await seed.create('notice_usergroup', { notice_id: inside, usergroup_id: laboratory });
  await seed.create('notice_usergroup', {
    notice_id: inside,
    usergroup_id: nurses,
    permission: permission('GroupPeek'),
  });
}

export const demo: Demo = {
  accounts: [
    { login: 'admin@example.org', says: 'the administrator' },
    { login: 'bo@example.org', says: 'a user, who owns the rows' },
    { login: 'cy@example.org', says: 'another user, who is a nurse like Bo' },
  ],
  load,
};
