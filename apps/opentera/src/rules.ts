import { policy } from '@ostiary/policy';
import { openTera } from './model.js';
import { devices } from './rules/devices.js';
import { features } from './rules/features.js';
import { participants } from './rules/participants.js';
import { places } from './rules/places.js';
import { serviceRoles } from './rules/service-roles.js';
import { services } from './rules/services.js';
import { sessionTypes } from './rules/session-types.js';
import { sessions } from './rules/sessions.js';
import { superadmin } from './rules/superadmin.js';
import { userGroups } from './rules/user-groups.js';
import { users } from './rules/users.js';

/** Every rule of OpenTera. */
export const openTeraPolicy = policy(openTera, [
  ...superadmin,
  ...places,
  ...userGroups,
  users,
  ...participants,
  ...devices,
  ...sessionTypes,
  ...sessions,
  ...services,
  ...serviceRoles,
  ...features,
]);
