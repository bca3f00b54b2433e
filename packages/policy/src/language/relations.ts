import { findField, type Model, ModelError, resourceOf } from './model.js';

/**
 * Checks what the records of a type are related to through others: each link is a record that is written, and refers to
 * one record of this type and, by another field, to one other.
 * @throws {ModelError}
 */
export function checkRelations(of: Model, type: string): void {
  for (const [name, { in: link, of: own, to }] of Object.entries(resourceOf(of, type).relations ?? {})) {
    const refersTo = (field: string) => {
      const found = field === 'id' ? undefined : findField(of, link, field);
      return found?.many || found?.secret ? null : found?.to;
    };
    const sound = own !== to && refersTo(own) === type && refersTo(to) && !resourceOf(of, link).source;
    if (!sound || findField(of, type, name) || /\W/.test(name)) {
      throw new ModelError(`${type} has no relation '${name}': ${link} does not link it, or the name is a field's`);
    }
  }
}
