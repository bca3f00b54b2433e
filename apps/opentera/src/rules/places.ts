import { all, equal, loggedIn, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { participant, device } = principals(model);

const sites = rules(model, 'Site', ({ it, allow, holds, linked }) => [
  allow('user-reads-name', {
    says: 'A user of a site reads its name, whatever they do there.',
    source: LIMITS,
    actions: ['read'],
    when: holds('Site member', it),
    fields: ['name'],
  }),
  allow('project-reads', {
    says: 'Whoever has a role in a project reads its site.',
    source: TABLE,
    actions: ['read'],
    when: linked('Project', 'siteId', (project) => holds('Project user', project)),
  }),
  allow('admin', {
    says: 'Its administrators read and update a site.',
    source: TABLE,
    actions: ['read', 'update'],
    when: holds('Site admin', it),
  }),
  allow('device-reads-name', {
    says: 'A device reads the names of its sites.',
    source: DEVICES,
    actions: ['read'],
    when: linked('DeviceSite', 'siteId', (link) => equal(link.deviceId, device)),
    fields: ['name'],
  }),
  allow('service-reads', {
    says: 'A service reads the sites that it is offered at.',
    source: SERVICES,
    actions: ['read'],
    when: holds('Site service', it),
  }),
]);

const projects = rules(model, 'Project', ({ it, allow, holds, linked }) => [
  allow('reads', {
    says: 'Whoever has a role in a project reads it; a user of its site needs one.',
    source: LIMITS,
    actions: ['read'],
    when: holds('Project user', it),
  }),
  allow('admin-updates', {
    says: 'Its administrators update a project.',
    source: TABLE,
    actions: ['update'],
    when: holds('Project admin', it),
  }),
  allow('site-admin', {
    says: 'The administrators of a site create and delete its projects.',
    source: TABLE,
    actions: ['create', 'delete'],
    when: holds('Site admin', it.siteId),
  }),
  allow('participant-reads-name', {
    says: 'A participant reads the name of their project.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: all(equal(it, participant.projectId), loggedIn),
    fields: ['name'],
  }),
  allow('device-reads-name', {
    says: 'A device reads the names of its projects.',
    source: DEVICES,
    actions: ['read'],
    when: linked('DeviceProject', 'projectId', (link) => equal(link.deviceId, device)),
    fields: ['name'],
  }),
  allow('service-manages', {
    says: 'A service reads, updates and deletes the projects that it is linked to.',
    source: SERVICES,
    actions: ['read', 'update', 'delete'],
    when: holds('Project service', it),
  }),
  allow('service-creates', {
    says: 'A service creates projects at the sites that it is offered at.',
    source: SERVICES,
    actions: ['create'],
    when: holds('Site service', it.siteId),
  }),
]);

export const places = [sites, projects];
