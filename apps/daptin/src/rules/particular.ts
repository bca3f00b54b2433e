import { all, equal, not, present, type ResourceRules, rules, within } from '@ostiary/policy';
import { ADMINISTRATORS, BUILT_IN, type Daptin } from '../model.js';

/** What holds of single entities, whatever their bits. */
export function particularRules(of: Daptin): readonly ResourceRules[] {
  return [
    rules(of, 'usergroup', ({ it, forbid }) => [
      forbid('administrators-stay', {
        says: 'The group of administrators is never deleted: whoever made another of its name would be one.',
        source: 'Daptin, administrators',
        actions: ['delete'],
        when: equal(it.name, ADMINISTRATORS),
      }),
    ]),
    rules(of, 'world', ({ it, forbid }) => [
      forbid('built-in-stays', {
        says: 'An entity that was not declared here is not deleted.',
        source: 'Daptin, user groups and entities',
        actions: ['delete'],
        when: within(it.table_name, BUILT_IN),
      }),
      forbid('declared-with-schema', {
        says: 'An entity is declared with a schema, which may be empty, and keeps one: without it there is nothing to ask for.',
        source: 'Daptin, user groups and entities',
        actions: ['create', 'update'],
        when: all(not(present(it.schema)), not(within(it.table_name, BUILT_IN))),
      }),
    ]),
    rules(of, 'action', ({ it, forbid, may, holds }) => [
      forbid('on-entity', {
        says: 'An action is executed by who may execute on the entity that it is on.',
        source: 'Daptin, actions and social login',
        actions: ['execute'],
        when: not(may('execute', it.world_id)),
      }),
      forbid('elevated', {
        says: "Administrators alone write what is done in the installation's own name.",
        source: 'Daptin, actions and social login',
        actions: ['update'],
        when: all(equal(it.elevated, true), not(holds('administrator'))),
      }),
    ]),
    rules(of, 'oauth_connect', ({ it, forbid, holds }) => [
      forbid('lets-in', {
        says: 'Administrators alone write a connection that people sign in with: it says who somebody is.',
        source: 'Daptin, actions and social login',
        actions: ['update'],
        when: all(equal(it.allow_login, true), not(holds('administrator'))),
      }),
    ]),
    rules(of, 'user_account', ({ it, me, allow, forbid, holds }) => [
      allow('changes-own-password', {
        says: 'Everybody changes their own password, knowing the one before.',
        source: 'OWASP ASVS 5.0, 6.2.3',
        actions: ['changePassword'],
        when: equal(it, me.user),
      }),
      forbid('password-is-own', {
        says: "Nobody proves that they know another's password.",
        source: 'OWASP ASVS 5.0, 6.2.3',
        actions: ['changePassword'],
        when: not(equal(it, me.user)),
      }),
      forbid('password-is-set', {
        says: 'Administrators alone set a password without knowing the one before: no bit lets anybody be another.',
        source: 'OWASP ASVS 5.0, 6.2.3',
        actions: ['update'],
        when: not(holds('administrator')),
        fields: ['password'],
      }),
      forbid('log-in-is-own', {
        says: 'What somebody logs in with is changed by themselves, or by an administrator.',
        source: 'OWASP ASVS 5.0, 6.2.3',
        actions: ['update'],
        when: all(not(equal(it, me.user)), not(holds('administrator'))),
        fields: ['email'],
      }),
    ]),
    rules(of, 'Decision', ({ allow, holds }) => [
      allow('administrator', {
        says: 'An administrator asks what others may do, and why.',
        source: 'Daptin, administrators',
        actions: 'every',
        when: holds('administrator'),
      }),
    ]),
  ];
}
