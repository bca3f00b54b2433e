import { type Policy, policy, type Resources } from '@ostiary/policy';
import type { Link } from './entity.js';
import { BUILT_IN, daptinModel } from './model.js';
import { entityRules, type Particular } from './rules/entity.js';
import { linkRules } from './rules/links.js';
import { particularRules } from './rules/particular.js';

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
