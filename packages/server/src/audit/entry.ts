import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { AUDIT_COLUMNS } from '../storage/audit-columns.js';
import type { SqlRow } from '../storage/query.js';

/** An entry as it is sealed, exported and shown. What there is nothing to say of is left out, not null. */
export interface SealedEntry {
  readonly id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly application: string;
  readonly event: string;
  readonly outcome: string;
  readonly principalKind?: string;
  readonly principalId?: string;
  readonly login?: string;
  readonly action?: string;
  readonly resourceType?: string;
  readonly recordId?: string;
  readonly decisionId?: string;
  readonly rules?: readonly string[];
  readonly requestId?: string;
  readonly detail?: unknown;
}

/** The select list of an entry, over an alias of `ostiary.audit`. */
export function entryColumns(alias: string): string {
  return Object.values(AUDIT_COLUMNS)
    .map((column) => `${alias}.${column}`)
    .join(', ');
}

/** Turns a row of these columns into an entry. */
export function toEntry(row: SqlRow): SealedEntry {
  const entry: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(AUDIT_COLUMNS)) {
    const value = row[column];
    if (value !== null && value !== undefined) entry[name] = value;
  }
  return { ...entry, at: instant(row.at) } as unknown as SealedEntry;
}

/** Whoever changed an entry may have put anything there, such as `infinity`. */
function instant(value: unknown): string {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : String(value);
}

/** SHA-256 over canonical JSON (RFC 8785), in hex. @throws Error where a value has no canonical form */
export function digestOf(value: object): string {
  return hash('sha256', canonicalize(value) ?? '', 'hex');
}

/** The same for an entry as it is in the database; null where it has no canonical form, which nothing that is written has. */
export function digestOfEntry(entry: SealedEntry): string | null {
  try {
    return digestOf(entry);
  } catch {
    return null;
  }
}

/** The hash of a seal: it stands for the entry, for its place, and for everything before it. */
export function chainHash(seq: number, previous: string, digest: string): string {
  return digestOf({ seq, previous, digest });
}

/** What stands before the first seal: chains of different installations have nothing in common. */
export function beginning(installation: string): string {
  return digestOf({ installation });
}
