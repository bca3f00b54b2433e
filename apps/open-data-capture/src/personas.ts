import { type Persona, type Personas, permissionActions, permissionRole, permissionTypes } from '@ostiary/policy';
import { openDataCapture } from './model.js';

const user = (basePermissionLevel: string | null, roles: readonly string[] = []): Persona => ({
  kind: 'user',
  attributes: { basePermissionLevel },
  roles,
});

const permissions = permissionTypes(openDataCapture).flatMap((type) =>
  permissionActions(openDataCapture, type).map((action) => permissionRole(action, type)),
);

/** The columns of the golden matrix: the roles, none, and none with just the permission that the row is about. */
export const personas: Personas = {
  Admin: user('ADMIN'),
  'Group Manager': user('GROUP_MANAGER'),
  'Standard User': user('STANDARD'),
  'No role': user(null),
  'No role, given this permission': user(null, permissions),
  'No role, given it for one group': user(
    null,
    permissions.map((role) => `Group ${role}`),
  ),
};
