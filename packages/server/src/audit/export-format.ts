import type { JWK } from 'jose';

/*
 * An export is JSON Lines: a header; a line for each place of the chain, {seq, digest, hash, entry}, without `entry` where
 * that was not asked for; a line {checkpoint} behind each place that was signed; and {end}, which signs all lines before it.
 */

export const EXPORT = 'ostiary-audit';
export const EXPORT_VERSION = 1;
/** The header parameter `typ` of the last line's signature. */
export const EXPORT_END = 'ostiary-audit-export';

export interface ExportHeader {
  readonly format: typeof EXPORT;
  readonly version: typeof EXPORT_VERSION;
  readonly installation: string;
  readonly at: string;
  readonly filters: Readonly<Record<string, unknown>>;
  /** The first and the last place in it; 0 where it is empty. */
  readonly first: number;
  readonly last: number;
  /** The hash of the place before the first. */
  readonly previous: string;
  /** The public keys that signed it (JWK Set, RFC 7517). They are only as good as the way they came. */
  readonly keys: { readonly keys: readonly JWK[] };
}
