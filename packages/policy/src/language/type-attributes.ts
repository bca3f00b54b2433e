import { checkBits } from './check.js';
import { checkNaming } from './check-resource.js';
import type { Field } from './fields.js';
import { resourceOf, soundField } from './lookup.js';
import { demand, locate } from './mistakes.js';
import type { Model, TypeSet, TypeSource } from './model.js';

/**
 * Checks where the attributes of resource types are kept: each is a field of the record that a type has there, or a set
 * of what links of that record name.
 * @throws {ModelError}
 */
export function checkTypeSource(of: Model, { in: table, type, sets = {} }: TypeSource): void {
  const attributes = of.typeAttributes ?? {};
  checkTable(of, table);
  checkNaming(of, table, type);
  for (const [name, set] of Object.entries(sets)) {
    locate(`sets.${name}`, () => {
      const wanted = attributes[name];
      demand(wanted, 'there is no such attribute of types');
      checkSet(of, table, set, wanted);
    });
  }
  for (const [name, wanted] of Object.entries(attributes)) {
    if (Object.hasOwn(sets, name)) continue;
    const fits = (field: Field) => isSame(field, wanted) && field.many === wanted.many && field.kind !== 'json';
    soundField(of, table, name, 'is not what the attribute is', fits);
  }
}

function checkSet(of: Model, table: string, { in: link, type, of: member, bits }: TypeSet, wanted: Field): void {
  checkTable(of, link);
  soundField(of, link, type, `does not refer to ${table}`, ({ to, many }) => to === table && !many);
  const fits = (field: Field) => isSame(field, wanted) && wanted.many && !field.many;
  soundField(of, link, member, 'is not what the set has', fits);
  if (bits === undefined) return;
  const isInteger = ({ kind, many }: Field) => kind === 'integer' && !many;
  soundField(of, link, bits.field, 'is not an integer', isInteger);
  if (bits.otherwise !== undefined) soundField(of, table, bits.otherwise, 'is not an integer', isInteger);
  checkBits(bits.mask);
}

function isSame(field: Field, wanted: Field): boolean {
  return field.kind === wanted.kind && field.to === wanted.to && !field.secret;
}

function checkTable(of: Model, type: string): void {
  demand(resourceOf(of, type).source === undefined, `nobody writes ${type}`);
}
