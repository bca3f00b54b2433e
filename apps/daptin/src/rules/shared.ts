import type { Condition } from '@ostiary/policy';

/** How the rules of any entity are typed: by one that has all that each has. */
export type Entity = 'oauth_connect';

/** What administrators may do. */
export const everything = (when: Condition) =>
  ({ says: 'An administrator does everything.', source: 'Daptin, administrators', actions: 'every', when }) as const;
