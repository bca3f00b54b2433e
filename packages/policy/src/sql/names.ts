import { type Model, resourceOf } from '../language/model.js';

/** `open-data-capture`, `groupIds` and `InstrumentRecord` as SQL writes them: `open_data_capture`, `group_ids`, … */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

/** The same words joined by hyphens, as addresses write them. */
export function kebabCase(name: string): string {
  return snakeCase(name).replaceAll('_', '-');
}

/** An SQL identifier, quoted. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function schemaOf(model: Model): string {
  return quote(snakeCase(model.name));
}

/** The table of a resource type, with its schema. */
export function tableOf(model: Model, type: string): string {
  resourceOf(model, type);
  return `${schemaOf(model)}.${quote(snakeCase(type))}`;
}

/** The view of who holds which role where: one row a grant, closed under implication upward. */
export function holdingTable(model: Model): string {
  return `${schemaOf(model)}.${quote('holding')}`;
}

/** The column of a field. */
export function columnOf(field: string): string {
  return quote(snakeCase(field));
}

/** The last part of a collection's address. */
export function collectionOf(model: Model, type: string): string {
  const given = resourceOf(model, type).collection;
  if (given !== undefined) return given;
  const name = kebabCase(type);
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}
