import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '@ostiary/policy';
import type { Application } from '../application/application.js';
import { checkApplication } from '../authoring/check-application.js';
import { ApplicationError } from '../authoring/error.js';

/** What a record that declares a type says. */
export type Declaration = Readonly<Record<string, unknown>>;

/** The types that a policy has beyond those of its application. */
export function declaredTypes(application: Application, { model }: Policy): readonly string[] {
  return Object.keys(model.resources).filter((type) => !Object.hasOwn(application.policy.model.resources, type));
}

/**
 * The policy of an application with what its records declare, checked as an application's own is.
 * @throws ModelError, ApplicationError; and what the application's own function throws
 */
export function declaredPolicy(application: Application, rows: readonly Declaration[]): Policy {
  const { declared } = application;
  if (declared === undefined) return application.policy;
  const policy = declared.policy(rows);
  checkApplication({ ...application, policy });
  requireAdded(application, policy);
  return policy;
}

/** Types and rules may be added, and nothing else is another than it was. */
function requireAdded(application: Application, policy: Policy): void {
  const { resources, ...own } = application.policy.model;
  const { resources: all, ...others } = policy.model;
  if (!isDeepStrictEqual(others, own)) fail('changes the model beyond its types');
  for (const [type, resource] of Object.entries(resources)) {
    if (!isDeepStrictEqual(all[type], resource))
      fail(`changes or leaves out '${type}', which is the application's own`);
  }
  for (const type of declaredTypes(application, policy)) {
    if (all[type]?.source !== undefined) fail(`'${type}' has to have records of its own`);
  }
  const rules = new Map(policy.rules.map((rule) => [rule.id, rule]));
  for (const rule of application.policy.rules) {
    if (!isDeepStrictEqual(rules.get(rule.id), rule)) fail(`changes or leaves out the rule '${rule.id}'`);
  }
  const limits = new Map(policy.limits.map((limit) => [limit.id, limit]));
  for (const limit of application.policy.limits) {
    if (!isDeepStrictEqual(limits.get(limit.id), limit)) fail(`changes or leaves out the limit '${limit.id}'`);
  }
}

function fail(what: string): never {
  throw new ApplicationError(`What is declared ${what}.`);
}
