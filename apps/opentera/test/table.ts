import { readFileSync } from 'node:fs';
import type { System } from '@ostiary/server';
import { type Asked, CHANGES, fieldsAt, newAt, type Place, type Values, type World } from './world.js';

export const COLUMNS = ['superadmin', 'siteadmin', 'siteuser', 'projectadmin', 'projectuser'] as const;
export type Column = (typeof COLUMNS)[number];
export type Cell = 'Y' | 'L' | 'N';

/** The rows of the published table with their cells, as table.md has them. */
export const ROWS: readonly (readonly [string, Readonly<Record<Column, Cell>>])[] = readFileSync(
  new URL('table.md', import.meta.url),
  'utf8',
)
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, row, first = '']) => row !== '' && /^[YNL]$/.test(first))
  .map(
    ([, row = '', ...cells]) => [row, Object.fromEntries(COLUMNS.map((name, index) => [name, cells[index]]))] as never,
  );

/** Asks something of a place. */
export interface Ask {
  /** `fresh` where it will be done, so that the next one asks about another record. */
  readonly of: (world: World, system: System, at: Place, column: Column, fresh: boolean) => Promise<Asked>;
  /** Whether each column asks about something of its own. */
  readonly ofColumn?: true;
}

/** Which record of a place an action is asked on. */
type Pick = (world: World, system: System, at: Place, column: Column, fresh: boolean) => Promise<string> | string;

const own =
  (type: string, more: Values = {}): Pick =>
  (world, system, at) =>
    newAt(world, system, type, at, more);

const create = (type: string): Ask => ({
  of: async (world, system, at) => ({ type, action: 'create', values: await fieldsAt(world, system, type, at) }),
});

const on = (action: string, type: string, pick: Pick = own(type)): Ask => ({
  of: async (world, system, at, column, fresh) => ({
    type,
    action,
    id: await pick(world, system, at, column, fresh),
    ...(action === 'update' ? { values: CHANGES[type] ?? {} } : {}),
  }),
});

/** The record of the place where nothing is done to it, and one of its own where it is. */
const place =
  (field: keyof Place, type: string): Pick =>
  (world, system, at, _, fresh) =>
    fresh ? newAt(world, system, type, at) : at[field];

/** A service at a place, which reaches it by its links. */
const service: Pick = (_, __, at) => at.serviceId;
const groupWithAccess: Pick = async (world, system, at) => {
  const userGroupId = await newAt(world, system, 'UserGroup', at);
  await system.create('ProjectAccess', { userGroupId, projectId: at.projectId, role: 'user' });
  return userGroupId;
};
const systemService: Pick = async (_, system) => {
  const [found] = await system.find('Service', { key: 'LoggingService' });
  return String(found?.id);
};

const crud = (row: string, type: string): Readonly<Record<string, readonly Ask[]>> => ({
  [`${row}: Create`]: [create(type)],
  [`${row}: Read`]: [on('read', type)],
  [`${row}: Update`]: [on('update', type)],
  [`${row}: Delete`]: [on('delete', type)],
});

/** What each row of the table asks. Rows that ask nothing here are in `ELSEWHERE`. */
export const ASKS: Readonly<Record<string, readonly Ask[]>> = {
  ...crud('Assets', 'Asset'),
  'Devices: Create': [create('Device')],
  'Devices: Delete': [on('delete', 'Device')],
  ...crud('Participant Groups', 'ParticipantGroup'),
  ...crud('Participants', 'Participant'),
  ...crud('Projects', 'Project'),
  'Projects: Read': [on('read', 'Project', (_, __, at) => at.projectId)],
  'Projects: Update': [on('update', 'Project', (_, __, at) => at.projectId)],
  'Projects: Delete': [on('delete', 'Project', place('projectId', 'Project'))],
  ...crud('Services', 'Service'),
  'Services: Read': [on('read', 'Service', service)],
  'Services: Update': [on('update', 'Service', service)],
  'Services: Delete': [on('delete', 'Service', place('serviceId', 'Service'))],
  ...crud('Sessions', 'Session'),
  ...crud('Sessions Types', 'SessionType'),
  ...crud('Sessions Events', 'SessionEvent'),
  ...crud('Sites', 'Site'),
  'Sites: Read': [on('read', 'Site', (_, __, at) => at.siteId)],
  'Sites: Update': [on('update', 'Site', (_, __, at) => at.siteId)],
  'Sites: Delete': [on('delete', 'Site', place('siteId', 'Site'))],
  'System Services (no verb)': [on('update', 'Service', systemService), on('delete', 'Service', systemService)],
  'System Service: Logger: Read': [{ of: async () => ({ type: 'LogEntry', action: 'list' }) }],
  ...crud('Users', 'User'),
  'User Groups: Create': [create('UserGroup')],
  'User Groups: Read': [on('read', 'UserGroup', groupWithAccess)],
  'User Groups: Update': [on('update', 'UserGroup', groupWithAccess)],
  'User Groups: Delete': [on('delete', 'UserGroup', groupWithAccess)],
  'Device - Participant assignation': [create('DeviceParticipant'), on('delete', 'DeviceParticipant')],
  'Device - Project assignation': [create('DeviceProject'), on('delete', 'DeviceProject')],
  // To assign one anew takes somebody who administers it elsewhere: see scenarios.test.ts.
  'Device - Site assignation': [on('delete', 'DeviceSite')],
  'Manage project access': [
    create('ProjectAccess'),
    on('update', 'ProjectAccess', own('ProjectAccess', { role: 'admin' })),
    on('delete', 'ProjectAccess'),
  ],
  'Manage services roles': [create('ServiceRole'), on('delete', 'ServiceRole'), create('ServiceAccess')],
  'Manage site access': [
    create('SiteAccess'),
    on('update', 'SiteAccess', own('SiteAccess', { role: 'admin' })),
    on('delete', 'SiteAccess'),
  ],
  'Service configuration (self)': [
    {
      ofColumn: true,
      of: async (world, system, at, column) => {
        const serviceId = await newAt(world, system, 'Service', at);
        await system.create('ServiceSite', { serviceId, siteId: at.siteId });
        await system.create('ServiceProject', { serviceId, projectId: at.projectId });
        const userId = await world.app.idOf('User', 'username', column);
        return { type: 'ServiceConfig', action: 'create', values: { serviceId, userId, config: { loud: true } } };
      },
    },
  ],
  'Service configuration (others)': [
    create('ServiceConfig'),
    on('update', 'ServiceConfig'),
    on('delete', 'ServiceConfig'),
  ],
  'Service - Project assignation': [create('ServiceProject'), on('delete', 'ServiceProject')],
  'Session Type - Device Type assignation': [create('SessionTypeDeviceType'), on('delete', 'SessionTypeDeviceType')],
  'Managing sessions start/stop/resume': [
    on('start', 'Session', own('Session', { status: 'not_started' })),
    on('stop', 'Session', own('Session', { status: 'in_progress' })),
    on('resume', 'Session', own('Session', { status: 'completed' })),
  ],
  'Session Type - Project assignation': [create('SessionTypeProject'), on('delete', 'SessionTypeProject')],
};

/** Rows that are no action on a record, and where they are asked instead. This list may only shrink. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  Login: 'table.test.ts',
  Logout: 'table.test.ts',
  'Data entry forms request': 'features.test.ts',
  'Online users list': 'online.test.ts',
  'Statistics module': 'features.test.ts',
};
