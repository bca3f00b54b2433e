import type { Field } from './fields.js';
import { fieldOf, findField, type Model, ModelError, resourceOf, type TypeSource } from './model.js';

/**
 * Checks where the attributes of resource types are kept: each is a field of the record that a type has there, or a set
 * of what links of that record name.
 * @throws {ModelError}
 */
export function checkTypeSource(of: Model, source: TypeSource): void {
  const attributes = of.typeAttributes ?? {};
  const sets = source.sets ?? {};
  requireTable(of, source.in, 'types');
  const name = fieldOf(of, source.in, source.type);
  if (name.kind !== 'text' || name.many || !name.unique || name.optional || name.secret) {
    throw new ModelError(`types: ${source.in}.${source.type} names a type: a text, unique, required, not secret`);
  }
  for (const set of Object.keys(sets)) {
    if (!Object.hasOwn(attributes, set)) throw new ModelError(`types.sets.${set}: there is no such attribute of types`);
  }
  for (const [attribute, wanted] of Object.entries(attributes)) {
    if (Object.hasOwn(sets, attribute)) checkSet(of, source, attribute, wanted);
    else {
      const field = findField(of, source.in, attribute);
      if (field === undefined)
        throw new ModelError(`types: ${source.in} has no field '${attribute}', and it is no set`);
      if (field.secret || field.kind === 'json' || !same(field, wanted) || field.many !== wanted.many) {
        throw new ModelError(`types: ${source.in}.${attribute} is not what the attribute is`);
      }
    }
  }
}

function checkSet(of: Model, source: TypeSource, attribute: string, wanted: Field): void {
  const at = `types.sets.${attribute}`;
  const { in: link, type, of: member, bits } = source.sets?.[attribute] ?? { in: '', type: '', of: '' };
  requireTable(of, link, at);
  const owner = fieldOf(of, link, type);
  if (owner.many || owner.to !== source.in)
    throw new ModelError(`${at}: ${link}.${type} does not refer to ${source.in}`);
  const each = fieldOf(of, link, member);
  if (!wanted.many || each.many || each.secret || !same(each, wanted)) {
    throw new ModelError(`${at}: ${link}.${member} is not what the set has`);
  }
  if (bits === undefined) return;
  const own = [[link, bits.field], ...(bits.otherwise === undefined ? [] : [[source.in, bits.otherwise]])] as const;
  for (const [table = '', name = ''] of own) {
    const { kind, many } = fieldOf(of, table, name);
    if (kind !== 'integer' || many) throw new ModelError(`${at}: ${table}.${name} is not an integer`);
  }
  if (!Number.isInteger(bits.mask) || bits.mask < 1 || bits.mask > 2 ** 31 - 1) {
    throw new ModelError(`${at}: ${bits.mask} is not a set of bits`);
  }
}

function same(a: Field, b: Field): boolean {
  return a.kind === b.kind && a.to === b.to;
}

function requireTable(of: Model, type: string, at: string): void {
  if (resourceOf(of, type).source !== undefined) throw new ModelError(`${at}: nobody writes ${type}`);
}
