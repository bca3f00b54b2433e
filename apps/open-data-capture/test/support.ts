import { snakeCase } from '@ostiary/policy';
import { DEMO_PASSWORD, type System } from '@ostiary/server';
import type { TestApplication } from '../../../packages/server/test/support/application.js';

/** Where a record is, seen from whoever asks: in a group of theirs, in one that is not, in none; or nowhere at all. */
export const PLACES = ['own', 'foreign', 'none', 'missing'] as const;
export type Place = (typeof PLACES)[number];

export const MISSING = '01900000-0000-7000-8000-000000000000';

/** The group that is the own one of each account of the demo; the administrator has none, and is asked about this one. */
const OWN: Readonly<Record<string, 'clinic' | 'lab'>> = { JohnSmith: 'lab', FrancoisBouchard: 'lab' };

export interface Groups {
  readonly clinic: string;
  readonly lab: string;
  readonly instrument: string;
}

export async function groupsOf(application: TestApplication): Promise<Groups> {
  return {
    clinic: await application.idOf('Group', 'name', 'Depression Clinic'),
    lab: await application.idOf('Group', 'name', 'Psychosis Lab'),
    instrument: await application.idOf('Instrument', 'name', 'happiness-questionnaire'),
  };
}

/** The group that a place means to somebody: an id, null for none, or an id that no group has. */
export function groupAt(groups: Groups, who: string, place: Place): string | null {
  const own = OWN[who] ?? 'clinic';
  if (place === 'own') return groups[own];
  if (place === 'foreign') return groups[own === 'clinic' ? 'lab' : 'clinic'];
  return place === 'none' ? null : MISSING;
}

let count = 0;
function unique(word: string): string {
  count += 1;
  return `${word}-${count}`;
}

/** The fields of a new record of a type that belongs to a group, with whatever it refers to made before it. */
export async function fieldsFor(
  system: System,
  groups: Groups,
  type: string,
  group: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const groupIds = group === null ? [] : [group];
  // What a record refers to is of its own group; where there is no such group, it is of none.
  const near = group === MISSING ? null : group;
  const make = (other: string, at = near) => newRecord(system, groups, other, at);
  switch (type) {
    case 'Group':
      return { name: unique('Group'), type: 'RESEARCH' };
    case 'User':
      return {
        username: unique('user'),
        firstName: 'Uma',
        lastName: 'User',
        groupIds,
        basePermissionLevel: 'STANDARD',
        password: 'violet-harbour-castle-91',
      };
    case 'Subject':
      return { customId: unique('subject'), sex: 'FEMALE', groupIds };
    case 'Session':
      return {
        date: '2026-03-01T10:00:00.000Z',
        type: 'IN_PERSON',
        groupId: group,
        subjectId: await make('Subject', null),
      };
    case 'Instrument':
      return {
        name: unique('series'),
        kind: 'SERIES',
        title: 'A Series',
        items: [groups.instrument],
        seriesGroupId: group,
      };
    case 'InstrumentRecord':
      return {
        date: '2026-03-01T10:00:00.000Z',
        subjectId: await make('Subject', null),
        instrumentId: groups.instrument,
        groupId: group,
        data: { answer: 42 },
      };
    case 'InstrumentRecordFile':
      return {
        recordId: await make('InstrumentRecord'),
        groupId: group,
        name: 'notes.txt',
        mediaType: 'text/plain',
        content: 'bm90ZXM=',
      };
    case 'Assignment':
      return {
        subjectId: await make('Subject'),
        instrumentId: groups.instrument,
        groupId: group,
        expiresAt: '2027-01-01T00:00:00.000Z',
      };
    case 'InstrumentRepo':
      return { name: unique('repo'), url: 'https://instruments.example.org/', groupIds };
    default:
      throw new TypeError(`there is no way yet to make a ${type} in a test: add one here`);
  }
}

/** Makes a record in a group, as the installation itself. */
export async function newRecord(system: System, groups: Groups, type: string, group: string | null): Promise<string> {
  if (type === 'Group' && group !== null) return group;
  const { password: _, ...fields } = await fieldsFor(system, groups, type, group);
  return system.create(type, fields);
}

/** A change of each type that moves nothing. */
export const CHANGES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Group: { defaultIdentificationMethod: 'PERSONAL_INFO' },
  User: { lastName: 'Changed' },
  Subject: { sex: 'MALE' },
  Session: { type: 'REMOTE' },
  Instrument: { title: 'Changed' },
  InstrumentRecord: { data: { answer: 43 } },
  InstrumentRecordFile: { name: 'changed.txt' },
  Assignment: { expiresAt: '2027-02-01T00:00:00.000Z' },
  InstrumentRepo: { url: 'https://changed.example.org/' },
};

const GROUP_COLUMN: Readonly<Record<string, string>> = {
  Group: 'id = $1',
  User: '$1 = any(group_ids)',
  Subject: '$1 = any(group_ids)',
  InstrumentRepo: '$1 = any(group_ids)',
  Instrument: 'series_group_id = $1',
};

/** The ids of all records of a type that belong to a group, asked of the database itself. */
export async function idsIn(
  application: TestApplication,
  type: string,
  group: string | null,
): Promise<readonly string[]> {
  const where = group === null ? 'true' : (GROUP_COLUMN[type] ?? 'group_id = $1');
  const { rows } = await application.database.pool.query(
    `select id from open_data_capture.${snakeCase(type)} where ${where} order by id`,
    group === null ? [] : [group],
  );
  return rows.map((row) => String(row.id));
}

/** Every item of a list, page by page. */
export async function listAll(
  application: TestApplication,
  as: string,
  url: string,
): Promise<readonly Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await application.request({ as, url: `${url}${url.includes('?') ? '&' : '?'}limit=200${more}` });
    if (answer.status !== 200) throw new Error(`${as} could not list ${url}: ${answer.text}`);
    items.push(...answer.body.items);
    cursor = answer.body.next;
  }
  return items;
}

/** Replaces the extra permissions of an account, as the administrator. */
export async function permit(
  application: TestApplication,
  login: string,
  permissions: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const id = await application.idOf('User', 'username', login);
  const answer = await application.request({
    as: 'admin',
    method: 'PATCH',
    url: `/api/users/${id}`,
    body: { additionalPermissions: permissions },
  });
  if (answer.status !== 200) throw new Error(`the permissions were not accepted: ${answer.text}`);
}

/** Makes an account that can log in with the demo's password. */
export async function newAccount(
  application: TestApplication,
  username: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return application.seed((system) =>
    system.create('User', { username, firstName: 'Test', lastName: 'Account', password: DEMO_PASSWORD, ...values }),
  );
}
