import type { Persona, Personas } from '@ostiary/policy';

const user = (...roles: readonly string[]): Persona => ({
  kind: 'user',
  attributes: {},
  roles: [...roles, 'UserGroup member'],
});
const other = (kind: string, ...roles: readonly string[]): Persona => ({
  kind,
  attributes: {},
  roles,
  // Devices and services have tokens, and nothing to log in with.
  loggedIn: kind === 'participant',
});

/** The columns of the golden matrix: those of the published table, and the other kinds of principal. */
export const personas: Personas = {
  'Super Admin': { kind: 'user', attributes: {}, roles: ['superadmin'] },
  'Site Admin': user('Site admin'),
  'Site User': user('Site user'),
  'Project Admin': user('Project admin'),
  'Project User': user('Project user'),
  Participant: other('participant'),
  'Participant, with a token alone': { ...other('participant'), loggedIn: false },
  Device: other('device'),
  Service: other('service', 'Site service', 'Project service'),
};
