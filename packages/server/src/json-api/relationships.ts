import { type Field, type Model, type Relation, resourceOf } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';

/** What the records of a type are related to, as JSON:API knows it: by a field of their own, or through other records. */
export type Relationship =
  /** A reference to one record, or a set of references. */
  | { readonly name: string; readonly to: string; readonly by: 'field'; readonly field: Field }
  /** Through records of another type, which link two. */
  | { readonly name: string; readonly to: string; readonly by: 'links'; readonly relation: Relation };

/** The relationships of a type that can be read. A reference goes by the name of its field. */
export function relationshipsOf(model: Model, type: string): readonly Relationship[] {
  const { fields, relations = {} } = resourceOf(model, type);
  return [
    ...Object.entries(fields).flatMap(([name, field]): Relationship[] =>
      field.to === null || field.secret ? [] : [{ name, to: field.to, by: 'field', field }],
    ),
    ...Object.entries(relations).map(([name, relation]): Relationship => {
      const to = resourceOf(model, relation.in).fields[relation.to]?.to ?? relation.in;
      return { name, to, by: 'links', relation };
    }),
  ];
}

export function findRelationship(model: Model, type: string, name: string): Relationship | undefined {
  return relationshipsOf(model, type).find((each) => each.name === name);
}

export function isToMany(relationship: Relationship): boolean {
  return relationship.by === 'links' || relationship.field.many;
}

/** A record by its name: JSON:API's resource identifier object. */
export interface Identifier {
  readonly type: string;
  readonly id: string;
}

/** JSON:API calls a type as its collection's address does. */
export function identifierOf(model: Model, type: string, id: string): Identifier {
  return { type: collectionOf(model, type), id };
}
