import {
  all,
  any,
  bits,
  type Condition,
  type Expression,
  equal,
  type Id,
  named,
  not,
  type Policy,
  policy,
  present,
  type ResourceRules,
  type Resources,
  type Rule,
  rules,
  within,
} from '@ostiary/policy';
import { type Audience, bit, type Operation } from './bits.js';
import { endsOf, joinOf, type Link } from './entity.js';
import { ADMINISTRATORS, BUILT_IN, type Daptin, daptinModel, groupSet } from './model.js';

const ACCESS = 'docs.dapt.in, Access';
/** How the rules of any entity are typed: by one that has all that each has. */
type Entity = 'oauth_connect';

/** The bits of which one is enough for an operation: who may read may peek. */
const enough = (operation: Operation): readonly Operation[] => (operation === 'Peek' ? ['Peek', 'Read'] : [operation]);

/** Says of a permission that an audience has the bit of an operation. */
const has = (value: Expression<number>, audience: Audience, operation: Operation): Condition =>
  any(...enough(operation).map((each) => bits(value, bit(audience, each))));

const everything = (when: Condition) =>
  ({ says: 'An administrator does everything.', source: 'facts §2', actions: 'every', when }) as const;

/** How an entity differs from the others. */
export interface Particular {
  /** Whose a row is, and in which groups: those that it says, or itself. */
  readonly owner?: 'itself';
  readonly groups?: 'itself';
  /** Fields that administrators alone write. */
  readonly reserved?: readonly string[];
}

/**
 * The rules of an entity: each operation is allowed where both its type and the row have the bit, for the owner, for a
 * group or for guests. No bit takes anything away.
 */
export function entityRules(of: Daptin, name: string, particular: Particular = {}): readonly ResourceRules[] {
  const entity = name as Entity;
  const rows = rules(of, entity, ({ it, me, type, allow, holds, linked }) => {
    // An explanation names what lacks least, and of several the first: so guests come before groups here.
    const onType = (operation: Operation) =>
      any(
        all(
          named(`you own the entity ${name}`, equal(type.user_account_id, me.user)),
          named(`the entity ${name} has User${operation}`, has(type.permission, 'User', operation)),
        ),
        named(`the entity ${name} has Guest${operation}`, has(type.permission, 'Guest', operation)),
        named(
          `you are in a group for which the entity ${name} has Group${operation}`,
          any(...enough(operation).map((each) => holds('usergroup member', type[groupSet(each)]))),
        ),
      );
    const owner = (particular.owner === 'itself' ? it : it.user_account_id) as Expression<Id<'user_account'>>;
    const inGroup = (operation: Operation) =>
      particular.groups === 'itself'
        ? all(
            holds('usergroup member', it as Expression<Id<string>> as Expression<Id<'usergroup'>>),
            has(it.permission, 'Group', operation),
          )
        : linked(joinOf(entity), `${entity}_id`, (link) =>
            all(
              holds('usergroup member', link.usergroup_id),
              any(
                has(link.permission, 'Group', operation),
                all(not(present(link.permission)), has(it.permission, 'Group', operation)),
              ),
            ),
          );
    const onRow = (operation: Operation) =>
      any(
        all(
          named('you own it', equal(owner, me.user)),
          named(`it has User${operation}`, has(it.permission, 'User', operation)),
        ),
        named(`it has Guest${operation}`, has(it.permission, 'Guest', operation)),
        named(`you are in a group of it for which it has Group${operation}`, inGroup(operation)),
      );
    const fields = Object.keys(of.resources[entity].fields).filter(
      (field) => !particular.reserved?.includes(field),
    ) as 'permission'[];
    const filled: readonly string[] = ['permission', 'user_account_id'];
    const both = (operation: Operation) => all(onType(operation), onType('Peek'), onRow(operation));
    const found: Rule[] = [
      allow('administrator', everything(holds('administrator'))),
      allow('peek', {
        says: 'Who may peek at the entity and at the row learns that it is there.',
        source: ACCESS,
        actions: ['list'],
        when: all(onType('Peek'), onRow('Peek')),
        fields: [],
      }),
      allow('read', {
        says: 'Who may peek at the entity and read the row reads it.',
        source: ACCESS,
        actions: ['read'],
        when: all(onType('Peek'), onRow('Read')),
      }),
      allow('create', {
        says: 'Who may create rows of the entity, and peek at it, does; the permission of a new row is that of the entity.',
        source: ACCESS,
        actions: ['create'],
        when: all(onType('Create'), onType('Peek')),
        fields: fields.filter((field) => !filled.includes(field)),
      }),
      allow('update', {
        says: 'Who may update the entity and the row, and peek at the entity, does: its permission and its owner, too.',
        source: ACCESS,
        actions: ['update'],
        when: both('Update'),
        fields,
      }),
      allow('delete', {
        says: 'Who may delete rows of the entity, and this one, and peek at the entity, does.',
        source: ACCESS,
        actions: ['delete'],
        when: both('Delete'),
      }),
      allow('execute', {
        says: 'Who may execute on the entity and on the row does.',
        source: ACCESS,
        actions: ['execute'],
        when: all(onType('Execute'), onRow('Execute')),
      }),
      allow('refer', {
        says: 'Who may refer to rows of the entity, and to this one, and peek at the entity, does.',
        source: ACCESS,
        actions: ['refer'],
        when: both('Refer'),
      }),
    ];
    return found;
  });
  return particular.groups === 'itself' ? [rows] : [rows, joinRules(of, name)];
}

/** Of a row's groups: who reads the row reads them, and who updates it, and may refer to the group, writes them. */
function joinRules(of: Daptin, name: string): ResourceRules {
  const entity = name as Entity;
  return rules(of, joinOf(entity), ({ it, allow, holds, may }) => {
    const row = it[`${entity}_id`];
    const writes = all(may('update', row), may('refer', it.usergroup_id));
    return [
      allow('administrator', everything(holds('administrator'))),
      allow('read', {
        says: 'Who reads a row reads which groups it belongs to.',
        source: 'facts §4',
        actions: ['read'],
        when: may('read', row),
      }),
      allow('join', {
        says: 'Who may update a row, and refer to a group, adds it to that; no bits are given with that.',
        source: 'facts §4',
        actions: ['create'],
        when: writes,
        fields: [`${entity}_id`, 'usergroup_id'],
      }),
      allow('write', {
        says: 'Who may update a row, and refer to a group of it, says what it permits to that, and takes it out of it.',
        source: 'facts §4',
        actions: ['update', 'delete'],
        when: writes,
      }),
    ];
  });
}

/** Of a relation to many rows: who reads the row reads it; who updates the row, and may refer to the other, writes it. */
function linkRules(of: Daptin, link: Link): ResourceRules {
  const ends = endsOf(link);
  return rules(of, link.name as `${Entity}_usergroup`, ({ it, allow, holds, may }) => {
    const end = (name: string) => it[name as 'usergroup_id'];
    return [
      allow('administrator', everything(holds('administrator'))),
      allow('read', {
        says: 'Who reads a row reads what it is related to.',
        source: 'facts §3',
        actions: ['read'],
        when: may('read', end(ends.of)),
      }),
      allow('write', {
        says: 'Who may update a row, and refer to another, relates it to that, and takes that back.',
        source: 'facts §3',
        actions: ['create', 'delete'],
        when: all(may('update', end(ends.of)), may('refer', end(ends.to))),
      }),
    ];
  });
}

/** What holds of single entities, whatever their bits. */
function particularRules(of: Daptin): readonly ResourceRules[] {
  return [
    rules(of, 'usergroup', ({ it, forbid }) => [
      forbid('administrators-stay', {
        says: 'The group of administrators is never deleted: whoever made another of its name would be one.',
        source: 'facts §2',
        actions: ['delete'],
        when: equal(it.name, ADMINISTRATORS),
      }),
    ]),
    rules(of, 'world', ({ it, forbid }) => [
      forbid('built-in-stays', {
        says: 'An entity that was not declared here is not deleted.',
        source: 'facts §4',
        actions: ['delete'],
        when: within(it.table_name, BUILT_IN),
      }),
      forbid('declared-with-schema', {
        says: 'An entity is declared with a schema, which may be empty, and keeps one: without it there is nothing to ask for.',
        source: 'facts §4',
        actions: ['create', 'update'],
        when: all(not(present(it.schema)), not(within(it.table_name, BUILT_IN))),
      }),
    ]),
    rules(of, 'action', ({ it, forbid, may, holds }) => [
      forbid('on-entity', {
        says: 'An action is executed by who may execute on the entity that it is on.',
        source: 'facts §6',
        actions: ['execute'],
        when: not(may('execute', it.world_id)),
      }),
      forbid('elevated', {
        says: "Administrators alone write what is done in the installation's own name.",
        source: 'facts §6',
        actions: ['update'],
        when: all(equal(it.elevated, true), not(holds('administrator'))),
      }),
    ]),
    rules(of, 'oauth_connect', ({ it, forbid, holds }) => [
      forbid('lets-in', {
        says: 'Administrators alone write a connection that people sign in with: it says who somebody is.',
        source: 'facts §6',
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
        source: 'facts §2',
        actions: 'every',
        when: holds('administrator'),
      }),
    ]),
  ];
}

const PARTICULAR: Readonly<Record<string, Particular>> = {
  user_account: { owner: 'itself', reserved: ['verified_email'] },
  usergroup: { groups: 'itself' },
  action: { reserved: ['elevated'] },
  oauth_connect: { reserved: ['allow_login', 'allow_signup'] },
};

/**
 * Every rule of Daptin, over its own entities and others.
 * @param declared resource types of further entities, as `entity` and `linkOf` make them
 * @param names of these entities
 * @param links their relations to many rows
 */
export function daptinPolicy(
  declared: Resources = {},
  names: readonly string[] = [],
  links: readonly Link[] = [],
): Policy {
  const of = daptinModel(declared);
  const entities = [...BUILT_IN, ...names].flatMap((name) => entityRules(of, name, PARTICULAR[name]));
  return policy(of, [...entities, ...links.map((link) => linkRules(of, link)), ...particularRules(of)]);
}
