import { type Policy, rulesAbout } from '../language/rule.js';
import { remember } from '../remember.js';
import { atomsOf, type Condition, leavesOf, type Operand, operandsOf } from '../tree/condition.js';
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
    return collect(rules.map((rule) => fold(rule.when, { persona: { kind } })));
  });
}

/** What the rules ask of a principal of a kind beyond its own fields. */
export function principalNeeds(policy: Policy, kind: string): Needs {
  return remember(knownOf(policy), `principal ${kind}`, () => {
    const operands = policy.rules.flatMap(({ when }) => leavesOf(when)).flatMap(operandsOf);
    const own = operands.filter((operand) => operand.from === 'principal' && operand.kind === kind);
    return { paths: pathsOf(own), links: [] };
  });
}

/** The paths of more than one step. */
function pathsOf(operands: readonly Operand[]): Needs['paths'] {
  const paths = operands.flatMap((operand) => ('path' in operand && operand.path.length > 1 ? [operand.path] : []));
  return [...new Map(paths.map((path) => [path.join('.'), path])).values()];
}

function collect(conditions: readonly Condition[]): Needs {
  const atoms = conditions.flatMap(atomsOf);
  const leaves = atoms.flatMap((atom) => (atom.op === 'linked' || atom.op === 'may' ? [] : [atom]));
  const links = new Map<string, Omit<Link, 'needs'> & { where: Condition[] }>();
  for (const atom of atoms) {
    if (atom.op !== 'linked') continue;
    const { type, via, at } = atom;
    remember(links, linkKey(atom), () => ({ type, via, at, where: [] })).where.push(atom.where);
  }
  return {
    paths: pathsOf(leaves.flatMap(operandsOf).filter(({ from }) => from === 'record')),
    links: [...links.values()].map(({ where, ...link }) => ({ ...link, needs: collect(where) })),
  };
}
