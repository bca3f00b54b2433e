import type { Model } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { readId } from '../input/ids.js';
import { Problem } from '../problems.js';
import type { Linked } from '../records/links.js';
import { findRelationship, type Identifier, isToMany, relationshipsOf } from './relationships.js';

type Values = Readonly<Record<string, unknown>>;
type Linkage = Identifier | null | readonly Identifier[];

/** A document that was sent, as its schema has checked it. */
interface Sent {
  readonly data: {
    readonly type: string;
    readonly id?: string;
    readonly attributes?: Values;
    readonly relationships?: Readonly<Record<string, { readonly data: Linkage }>>;
  };
}

/** What a document says of a record: its fields, and what it is to be related to through others. */
export interface Input {
  readonly values: Values;
  readonly linked: readonly Linked[];
  /** The id that it names; null for none. */
  readonly id: string | null;
}

/**
 * Reads what is to become of a record.
 * @throws Problem `conflict` where the document is of another type than its address
 */
export function readInput(model: Model, type: string, body: unknown): Input {
  const { data } = body as Sent;
  if (data.type !== collectionOf(model, type)) {
    throw conflict('/data/type', `this is where ${collectionOf(model, type)} are`);
  }
  const values: Record<string, unknown> = saidIn(data.attributes ?? {});
  const linked: Linked[] = [];
  const said = saidIn(data.relationships ?? {});
  for (const relationship of relationshipsOf(model, type)) {
    const { name } = relationship;
    const given = said[name];
    if (given === undefined) continue;
    const ids = idsIn(given.data);
    if (relationship.by === 'links') linked.push({ name, relation: relationship.relation, ids });
    else values[name] = isToMany(relationship) ? ids : (ids[0] ?? null);
  }
  return { values, linked, id: data.id ?? null };
}

/** Without the members that are ignored. */
function saidIn<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !name.startsWith('@')));
}

/**
 * Reads the changes of a record.
 * @throws Problem `conflict` where the document is not about the record of its address; `invalid_input` where it changes nothing
 */
export function readChanges(model: Model, type: string, body: unknown, id: string): Input {
  const input = readInput(model, type, body);
  if (readId(input.id ?? '') !== id) throw conflict('/data/id', 'this is the address of another record');
  if (Object.keys(input.values).length === 0 && input.linked.length === 0) {
    throw new Problem('invalid_input', { errors: [{ pointer: '/data', message: 'changes nothing: name a field' }] });
  }
  return input;
}

/** The ids that a relationship is given. */
export function readLinkage(body: unknown): readonly string[] {
  return idsIn((body as { readonly data: Linkage }).data);
}

function idsIn(linkage: Linkage): readonly string[] {
  const all = Array.isArray(linkage) ? (linkage as readonly Identifier[]) : linkage === null ? [] : [linkage];
  return [...new Set((all as readonly Identifier[]).map(({ id }) => id))];
}

/** Where a document about a record has a field. */
export function placeOf(model: Model, type: string): (field: string) => string {
  return (field) => {
    const part = findRelationship(model, type, field) === undefined ? 'attributes' : 'relationships';
    return `/data/${part}/${field}`;
  };
}

function conflict(pointer: string, message: string): Problem {
  return new Problem('conflict', { errors: [{ pointer, message }] });
}
