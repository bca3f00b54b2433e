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
  present,
  type ResourceRules,
  type Rule,
  rules,
} from '@ostiary/policy';
import { type Audience, bit, type Operation } from '../bits.js';
import { joinOf } from '../entity.js';
import { type Daptin, groupSet } from '../model.js';
import { joinRules } from './links.js';
import { type Entity, everything } from './shared.js';

const ACCESS = 'docs.dapt.in, Access';

/** The bits of which one is enough for an operation: who may read may peek. */
const enough = (operation: Operation): readonly Operation[] => (operation === 'Peek' ? ['Peek', 'Read'] : [operation]);

/** Says of a permission that an audience has the bit of an operation. */
const has = (value: Expression<number>, audience: Audience, operation: Operation): Condition =>
  any(...enough(operation).map((each) => bits(value, bit(audience, each))));

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
