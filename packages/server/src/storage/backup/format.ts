/*
 * A backup is compressed text: a header, then for every table its name and its rows in batches, then a trailer. Each is
 * JSON on a line of its own. A row is an object of column and text, the text being what PostgreSQL itself writes and
 * reads for a value of the type: so nothing is lost on the way, whatever the type.
 */

export const FORMAT = 'ostiary-backup';
export const VERSION = 2;
/** Those that are read: the first did not say of which type a column is. */
export const READ_VERSIONS: readonly unknown[] = [1, VERSION];

/** What a backup held, or what a restore brought back. */
export interface BackupSummary {
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
}

/**
 * Why there is no backup, or why nothing was restored:
 * - `unknown_schema`: one of the schemas to back up does not exist
 * - `not_a_backup`: the file is something else
 * - `wrong_version`: the file was written by another version of this program, in a format that is unknown here
 * - `damaged`: the file is incomplete, or not as it was written
 * - `not_empty`: there are rows already where the backup should go
 * - `does_not_fit`: the backup is whole, but the tables here are not made for it
 */
export type BackupErrorCode =
  | 'unknown_schema'
  | 'not_a_backup'
  | 'wrong_version'
  | 'damaged'
  | 'not_empty'
  | 'does_not_fit';

/** A backup or a restore did not happen. The message is for a person, and tells nothing of what is stored. */
export class BackupError extends Error {
  constructor(
    readonly code: BackupErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BackupError';
  }
}

export interface Header {
  readonly format: string;
  readonly version: number;
  readonly schemas: readonly string[];
  readonly tables: readonly Table[];
  readonly sequences: readonly Sequence[];
}

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Of each column, as PostgreSQL writes it; not in backups of version 1. */
  readonly types?: readonly string[];
}

export interface Sequence {
  readonly schema: string;
  readonly name: string;
  /** The last number that it gave out. */
  readonly last: string;
}

export interface Trailer extends BackupSummary {
  readonly end: true;
  /** Of every line before this one, with its line end. */
  readonly sha256: string;
}

/** The name of a table for people, and for the line that starts its rows. */
export function tableName(table: Table): string {
  return `${table.schema}.${table.name}`;
}
