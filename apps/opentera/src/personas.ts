import type { Persona, Personas } from '@ostiary/policy';

const user = (...roles: readonly string[]): Persona => ({
  kind: 'user',
  attributes: {},
  roles: [...roles, 'UserGroup member'],
});
const other = (kind: string, ...roles: readonly string[]): Persona => ({ kind, attributes: {}, roles });

/** The columns of the golden matrix: those of the published table, and the other kinds of principal. */
export const personas: Personas = {
  'Super Admin': { kind: 'user', attributes: {}, roles: ['superadmin'] },
  'Site Admin': user('Site admin'),
  'Site User': user('Site user'),
  'Project Admin': user('Project admin'),
  'Project User': user('Project user'),
  Participant: other('participant'),
  Device: other('device'),
  Service: other('service', 'Site service', 'Project service'),
};
