import { Problem } from '../problems.js';

/** Longest token that is looked at, in characters. */
const MAX_TOKEN_LENGTH = 8192;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** The header parameters that our tokens have. With anything else (jwk, jku, x5u, x5c, crit, b64) a token isn't ours. */
const HEADER_PARAMETERS = new Set(['alg', 'typ', 'kid']);

export interface TokenHeader {
  readonly alg: string;
  readonly typ: string;
  readonly kid: string | undefined;
}

/**
 * Reads the header of a token in JWS compact serialisation (RFC 7515 section 7.1), stricter than libraries do: exactly
 * three parts in canonical base64url (section 2: no padding, no white space, no stray bits at the end), at most 8192
 * characters, and no header parameters but `alg`, `typ` and `kid`. So one signature belongs to exactly one text.
 *
 * Nothing in the header has been authenticated yet.
 *
 * @throws Problem `invalid_token`
 */
export function readCompactHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw new Problem('invalid_token');
  const parts = token.split('.');
  const [header] = parts;
  if (header === undefined || parts.length !== 3 || !parts.every(isCanonicalBase64url)) {
    throw new Problem('invalid_token');
  }
  return readHeader(header);
}

function isCanonicalBase64url(part: string): boolean {
  return BASE64URL.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function readHeader(part: string): TokenHeader {
  const header = parseObject(Buffer.from(part, 'base64url').toString('utf8'));
  const { alg, typ, kid } = header;
  const known = Object.keys(header).every((name) => HEADER_PARAMETERS.has(name));
  if (!known || typeof alg !== 'string' || typeof typ !== 'string') throw new Problem('invalid_token');
  if (kid !== undefined && typeof kid !== 'string') throw new Problem('invalid_token');
  return { alg, typ, kid };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem('invalid_token');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Problem('invalid_token');
  return value as Readonly<Record<string, unknown>>;
}
