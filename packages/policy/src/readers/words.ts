import { spaced } from '../language/spelling.js';
import { type Condition, type Leaf, type Operand, operandsOf, type Value } from '../tree/condition.js';

/** In whose words: to the principal itself, or about it. */
export type Person = 'you' | 'they';

/** A condition as a phrase: `its group id is one of your group ids`. */
export function inWords(condition: Condition, person: Person = 'you'): string {
  switch (condition.op) {
    case 'always':
      return 'always';
    case 'never':
      return 'never';
    case 'all':
      return condition.of.map((part) => bracketed(part, person)).join(' and ');
    case 'any':
      return condition.of.map((part) => bracketed(part, person)).join(' or ');
    case 'not':
      return `not (${inWords(condition.of, person)})`;
    case 'named':
      return condition.says;
    case 'linked': {
      const where = condition.where.op === 'always' ? '' : ` for which ${inWords(condition.where, person)}`;
      return `there is a ${spaced(condition.type)} for it${where}`;
    }
    case 'may':
      return `${person} may ${condition.action} its ${spaced(condition.path.at(-1) ?? '')}`;
    default:
      return leafInWords(condition, person);
  }
}

function bracketed(condition: Condition, person: Person): string {
  const words = inWords(condition, person);
  return condition.op === 'any' || condition.op === 'all' ? `(${words})` : words;
}

/** What stands between the two sides of a comparison. */
const BETWEEN = {
  equal: 'is',
  less: 'is before or below',
  atMost: 'is at most',
  member: 'is one of',
  subset: 'are all among',
};

function leafInWords(leaf: Leaf, person: Person): string {
  const [left = '', right = ''] = operandsOf(leaf).map((operand) => operandInWords(operand, person));
  switch (leaf.op) {
    case 'kind':
      return `${person} are a ${leaf.kind}`;
    case 'loggedIn':
      return `${person} are logged in`;
    case 'present':
      return `${left} is set`;
    case 'empty':
      return `${left} is empty`;
    case 'bits':
      return `${left} has the bits ${leaf.bits}`;
    case 'overlap':
      return `${left} and ${right} have one in common`;
    case 'holds': {
      const role = `${person} ${roleInWords(leaf.role)}`;
      if (isPermission(leaf.role)) return `${role} ${leaf.at === null ? 'everywhere' : `for ${left}`}`;
      return leaf.scope === null ? role : `${role} on ${left || `some ${spaced(leaf.scope)}`}`;
    }
    default:
      return right === 'true' ? `${left} is set` : `${left} ${BETWEEN[leaf.op]} ${right}`;
  }
}

function operandInWords(operand: Operand, person: Person): string {
  const own = person === 'you' ? 'your' : 'their';
  switch (operand.from) {
    case 'record':
      return `its ${operand.path.map(spaced).join("'s ")}`;
    case 'principal':
      return `${own} ${operand.path.map(spaced).join("'s ")}`;
    case 'type':
      return `the ${spaced(operand.field)} of the type ${operand.type}`;
    case 'scopes':
      return `each ${spaced(operand.scope)} for which ${person} ${roleInWords(operand.role)}`;
    case 'now':
      return 'now';
    case 'today':
      return 'today';
    case 'constant':
      return valueInWords(operand.value);
  }
}

function valueInWords(value: Value): string {
  if (value === null) return 'missing';
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : `[${value.map((part) => valueInWords(part)).join(', ')}]`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** What is permitted at run time is a role of such a name. */
const isPermission = (role: string) => role.startsWith('may ');

function roleInWords(role: string): string {
  return isPermission(role) ? `were given the permission '${role.slice(4)}'` : `have the role ${role}`;
}
