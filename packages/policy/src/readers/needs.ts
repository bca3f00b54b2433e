import { type Policy, rulesAbout } from '../language/rule.js';
import { remember } from '../remember.js';
import { type Atom, type Condition, eachAtom, operandsOf } from '../tree/condition.js';
import { linkKey } from '../tree/facts.js';
import { fold } from '../tree/fold.js';

/** What has to be loaded with a record so that every rule about it can be decided. */
export interface Needs {
  /** Paths of more than one step: `['projectId', 'siteId']`. */
  readonly paths: readonly (readonly string[])[];
  readonly links: readonly Link[];
}

/** Records of `type` that refer by `via` to the one at the path `at`. */
export interface Link {
  readonly type: string;
  readonly via: string;
  readonly at: readonly string[];
  readonly needs: Needs;
}

const known = new WeakMap<Policy, Map<string, Needs>>();
const knownOf = (policy: Policy) => remember(known, policy, () => new Map<string, Needs>());

/** What the rules ask of a record of a type beyond its own fields, whatever the action. */
export function recordNeeds(policy: Policy, type: string): Needs {
  return remember(knownOf(policy), `record ${type}`, () => {
    const rules = policy.rules.filter((rule) => rule.type === type).map((rule) => rule.when);
    const limits = policy.limits.filter((limit) => limit.of === type).map((limit) => limit.counting);
    return collect([...rules, ...limits]);
  });
}

/** What the rules about some actions ask of a record beyond its own fields, where a principal of this kind does them. */
export function needsFor(policy: Policy, type: string, actions: readonly string[], kind: string): Needs {
  return remember(knownOf(policy), `${kind} ${actions.join(' ')} ${type}`, () => {
    const rules = actions.flatMap((action) => rulesAbout(policy.rules, action, type));
    return collect(rules.map((rule) => fold(rule.when, { kind })));
  });
}

/** What the rules ask of a principal of a kind beyond its own fields. */
export function principalNeeds(policy: Policy, kind: string): Needs {
  return remember(knownOf(policy), `principal ${kind}`, () => {
    const paths = new Map<string, readonly string[]>();
    const visit = (condition: Condition): void =>
      eachAtom(condition, (atom) => {
        if (atom.op === 'linked') visit(atom.where);
        else if (atom.op !== 'may') {
          for (const operand of operandsOf(atom)) {
            if (operand.from === 'principal' && operand.kind === kind && operand.path.length > 1) {
              paths.set(operand.path.join('.'), operand.path);
            }
          }
        }
      });
    for (const rule of policy.rules) visit(rule.when);
    return { paths: [...paths.values()], links: [] };
  });
}

function collect(conditions: readonly Condition[]): Needs {
  const paths = new Map<string, readonly string[]>();
  const links = new Map<string, Omit<Link, 'needs'> & { where: Condition[] }>();
  const visit = (atom: Atom): void => {
    if (atom.op === 'linked') {
      const { type, via, at } = atom;
      const link = links.get(linkKey(atom)) ?? { type, via, at, where: [] };
      link.where.push(atom.where);
      links.set(linkKey(atom), link);
    } else if (atom.op !== 'may') {
      for (const operand of operandsOf(atom)) {
        if (operand.from === 'record' && operand.path.length > 1) paths.set(operand.path.join('.'), operand.path);
      }
    }
  };
  for (const condition of conditions) eachAtom(condition, visit);
  return {
    paths: [...paths.values()],
    links: [...links.values()].map(({ where, ...link }) => ({ ...link, needs: collect(where) })),
  };
}
