import { all, type ResourceRules, rules } from '@ostiary/policy';
import { endsOf, joinOf, type Link } from '../entity.js';
import type { Daptin } from '../model.js';
import { type Entity, everything } from './shared.js';

/** Of a row's groups: who reads the row reads them, and who updates it, and may refer to the group, writes them. */
export function joinRules(of: Daptin, name: string): ResourceRules {
  const entity = name as Entity;
  return rules(of, joinOf(entity), ({ it, allow, holds, may }) => {
    const row = it[`${entity}_id`];
    const writes = all(may('update', row), may('refer', it.usergroup_id));
    return [
      allow('administrator', everything(holds('administrator'))),
      allow('read', {
        says: 'Who reads a row reads which groups it belongs to.',
        source: 'Daptin, user groups and entities',
        actions: ['read'],
        when: may('read', row),
      }),
      allow('join', {
        says: 'Who may update a row, and refer to a group, adds it to that; no bits are given with that.',
        source: 'Daptin, user groups and entities',
        actions: ['create'],
        when: writes,
        fields: [`${entity}_id`, 'usergroup_id'],
      }),
      allow('write', {
        says: 'Who may update a row, and refer to a group of it, says what it permits to that, and takes it out of it.',
        source: 'Daptin, user groups and entities',
        actions: ['update', 'delete'],
        when: writes,
      }),
    ];
  });
}

/** Of a relation to many rows: who reads the row reads it; who updates the row, and may refer to the other, writes it. */
export function linkRules(of: Daptin, link: Link): ResourceRules {
  const ends = endsOf(link);
  return rules(of, link.name as `${Entity}_usergroup`, ({ it, allow, holds, may }) => {
    const end = (name: string) => it[name as 'usergroup_id'];
    return [
      allow('administrator', everything(holds('administrator'))),
      allow('read', {
        says: 'Who reads a row reads what it is related to.',
        source: 'Daptin, relationships',
        actions: ['read'],
        when: may('read', end(ends.of)),
      }),
      allow('write', {
        says: 'Who may update a row, and refer to another, relates it to that, and takes that back.',
        source: 'Daptin, relationships',
        actions: ['create', 'delete'],
        when: all(may('update', end(ends.of)), may('refer', end(ends.to))),
      }),
    ];
  });
}
