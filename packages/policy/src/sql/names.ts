import { resourceOf } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import { kebabCase, snakeCase } from '../language/spelling.js';
import { remember } from '../remember.js';

/** An SQL identifier, quoted. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A name from the model, as an SQL literal: for what takes no parameters. Such names are the author's own. */
export function literal(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
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

const columns = new Map<string, string>();

/** The column of a field of a model. */
export function columnOf(field: string): string {
  return remember(columns, field, () => quote(snakeCase(field)));
}

/** The last part of a collection's address. */
export function collectionOf(model: Model, type: string): string {
  const given = resourceOf(model, type).collection;
  if (given !== undefined) return given;
  const name = kebabCase(type);
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}
