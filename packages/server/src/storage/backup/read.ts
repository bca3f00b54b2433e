import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import {
  BackupError,
  type BackupSummary,
  FORMAT,
  type Header,
  READ_VERSIONS,
  type Trailer,
  VERSION,
} from './format.js';

/** What follows the header; the last one is `counts`. Rows are the text of a JSON array. */
export type Entry =
  | { readonly table: string }
  | { readonly rows: string }
  | { readonly counts: BackupSummary['tables'] };

/** A backup that is being read. */
export interface Reader {
  readonly header: Header;
  /**
   * The tables and their rows. Only a file that is whole and unchanged has `counts` at its end.
   * Throws BackupError `damaged`, and what the input throws.
   */
  readonly entries: AsyncIterable<Entry>;
  /** Gives the input up. */
  close(): void;
}

const LINE_END = 0x0a;
const OPENING_BRACKET = 0x5b;
const LONGEST_LINE = 256 * 1024 * 1024;

/** Opens a backup. Throws BackupError `not_a_backup`, `wrong_version` or `damaged`, and what the input throws. */
export async function openBackup(input: NodeJS.ReadableStream): Promise<Reader> {
  const unpacked = createGunzip({ chunkSize: 256 * 1024 });
  // What goes wrong here is also thrown to whoever reads.
  pipeline(input, unpacked).catch(() => {});
  const close = () => void unpacked.destroy();
  const lines = splitLines(unpacked);
  try {
    const first = await lines.next();
    if (first.done) throw notABackup();
    return { header: readHeader(first.value), entries: readEntries(first.value, lines), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function* readEntries(header: Buffer, lines: AsyncGenerator<Buffer>): AsyncGenerator<Entry> {
  const hash = createHash('sha256').update(header).update('\n');
  for await (const line of lines) {
    if (line[0] === OPENING_BRACKET) {
      yield { rows: line.toString() };
    } else {
      const entry = parseObject(line);
      if (entry?.end === true) {
        if (!isTrailer(entry) || entry.sha256 !== hash.digest('hex'))
          throw damaged('its content is not as it was written');
        if (!(await lines.next()).done) throw damaged('it goes on after its end');
        yield { counts: entry.tables };
        return;
      }
      if (typeof entry?.table !== 'string') throw damaged('a line of it cannot be read');
      yield { table: entry.table };
    }
    hash.update(line).update('\n');
  }
  throw damaged('it ends too early');
}

/** Lines without their ends. Throws BackupError for what cannot be unpacked. */
async function* splitLines(unpacked: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of unpacked) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
        yield Buffer.concat([...begun, chunk.subarray(start, end)]);
        begun = [];
        length = 0;
        start = end + 1;
      }
      begun.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > LONGEST_LINE) throw damaged('a line of it is too long');
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'Z_DATA_ERROR' && String(cause).includes('header')) throw notABackup(cause);
    if (code === 'Z_BUF_ERROR') throw damaged('it ends too early', cause);
    if (String(code).startsWith('Z_')) throw damaged('it cannot be unpacked', cause);
    throw cause;
  }
  if (length > 0) yield Buffer.concat(begun);
}

function readHeader(line: Buffer): Header {
  const header = parseObject(line);
  if (header?.format !== FORMAT) throw notABackup();
  if (!READ_VERSIONS.includes(header.version)) {
    throw new BackupError(
      'wrong_version',
      `This backup has format version ${header.version}, and this program reads up to version ${VERSION}. ` +
        'Restore it with the version of Ostiary that made it.',
    );
  }
  if (!isHeader(header)) throw damaged('its first line is not whole');
  return header;
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(line: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNamed = (value: unknown): value is Fields => isObject(value) && isText(value.schema) && isText(value.name);

function isHeader(value: Fields): value is Fields & Header {
  return (
    isListOf(value.schemas, isText) &&
    isListOf(value.tables, isNamed) &&
    value.tables.every((table) => isListOf(table.columns, isText)) &&
    value.tables.every(({ types }) => types === undefined || isListOf(types, isText)) &&
    isListOf(value.sequences, isNamed) &&
    value.sequences.every((sequence) => isText(sequence.last))
  );
}

function isTrailer(value: Fields): value is Fields & Trailer {
  return isText(value.sha256) && isListOf(value.tables, isObject);
}

function notABackup(cause?: unknown): BackupError {
  return new BackupError('not_a_backup', 'This file is not a backup of Ostiary.', { cause });
}

function damaged(why: string, cause?: unknown): BackupError {
  return new BackupError('damaged', `This backup is damaged: ${why}. Nothing was restored. Use another copy.`, {
    cause,
  });
}
