/** Where the rules come from: parts of OpenTera's page on access roles, and what was decided beyond it. */
export const TABLE = 'Access roles, users: data access';
export const FEATURES = 'Access roles, users: features';
export const PARTICIPANTS = 'Access roles, participants';
export const DEVICES = 'Access roles, devices';
export const SERVICES = 'Access roles, services';
/** What 'limited' means, and what the table does not speak of. */
export const LIMITS = 'Access roles, as decided';
