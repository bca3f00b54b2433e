import { spaced } from '../language/spelling.js';
import type { Condition, Leaf, Operand, Value } from '../tree/condition.js';

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

function leafInWords(leaf: Leaf, person: Person): string {
  const say = (operand: Operand) => operandInWords(operand, person);
  switch (leaf.op) {
    case 'kind':
      return `${person} are a ${leaf.kind}`;
    case 'loggedIn':
      return `${person} are logged in`;
    case 'equal':
      return leaf.right.from === 'constant' && leaf.right.value === true
        ? `${say(leaf.left)} is set`
        : `${say(leaf.left)} is ${say(leaf.right)}`;
    case 'less':
      return `${say(leaf.left)} is before or below ${say(leaf.right)}`;
    case 'atMost':
      return `${say(leaf.left)} is at most ${say(leaf.right)}`;
    case 'member':
      return `${say(leaf.element)} is one of ${say(leaf.set)}`;
    case 'overlap':
      return `${say(leaf.left)} and ${say(leaf.right)} have one in common`;
    case 'subset':
      return `${say(leaf.left)} are all among ${say(leaf.right)}`;
    case 'present':
      return `${say(leaf.value)} is set`;
    case 'empty':
      return `${say(leaf.value)} is empty`;
    case 'bits':
      return `${say(leaf.value)} has the bits ${leaf.bits}`;
    case 'holds': {
      if (leaf.role.startsWith('may ')) {
        const where = leaf.at === null ? 'everywhere' : `for ${say(leaf.at)}`;
        return `${person} were given the permission '${leaf.role.slice(4)}' ${where}`;
      }
      if (leaf.scope === null) return `${person} have the role ${leaf.role}`;
      const where = leaf.at === null ? `some ${spaced(leaf.scope)}` : say(leaf.at);
      return `${person} have the role ${leaf.role} on ${where}`;
    }
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

function roleInWords(role: string): string {
  return role.startsWith('may ') ? `were given the permission '${role.slice(4)}'` : `have the role ${role}`;
}
