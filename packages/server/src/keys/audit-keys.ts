import { CompactSign, type CryptoKey, calculateJwkThumbprint, compactVerify, type JWK } from 'jose';
import type { Runtime } from '../runtime.js';
import type { Executor, Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { readCompactHeader } from './compact-form.js';
import { addKey, importKey, lockKeys, publish } from './signing-keys.js';

/**
 * The keys that sign the audit trail's checkpoints: apart from those of tokens, so that neither can pass for the other.
 * Their public halves are kept for good; the private one is deleted when a key is retired.
 */
const ALGORITHM = 'EdDSA';

/** Signs a statement: compact JWS (RFC 7515) with a type of its own, over JSON. */
export interface AuditSigner {
  readonly kid: string;
  sign(type: string, payload: object): Promise<string>;
}

interface KeyRow extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly algorithm: string;
  readonly public_jwk: JWK;
  readonly private_jwk: JWK;
}

/** The key that signs now; the first one is made here. Read anew each time, so that no retired key signs. */
export async function auditSigner(transaction: Transaction, runtime: Runtime): Promise<AuditSigner> {
  const key = (await currentKey(transaction)) ?? (await firstKey(transaction, runtime));
  const { id: kid, algorithm: alg, private_jwk } = key;
  const secret = await importKey(private_jwk, alg);
  return {
    kid,
    sign: (typ, payload) =>
      new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg, kid, typ }).sign(secret),
  };
}

/** Makes a new key sign from now on, and destroys the private half of the one before. */
export async function replaceAuditKey(
  transaction: Transaction,
  runtime: Runtime,
): Promise<{ readonly algorithm: string; readonly kid: string }> {
  await lockKeys(transaction);
  await query(
    transaction,
    `update ostiary.signing_key set retired_at = $1, private_jwk = '{}' where purpose = 'audit' and retired_at is null`,
    [runtime.now()],
  );
  return { algorithm: ALGORITHM, kid: await addKey(transaction, runtime, ALGORITHM, 'audit') };
}

/** The public halves of all keys that ever signed here, the newest first (JWK Set, RFC 7517 section 5). */
export async function auditJwks(executor: Executor): Promise<{ readonly keys: readonly JWK[] }> {
  const rows = await query<KeyRow>(
    executor,
    `select id, algorithm, public_jwk from ostiary.signing_key where purpose = 'audit' order by created_at desc, id`,
  );
  return { keys: rows.map((row) => publish(row.id, row.algorithm, row.public_jwk)) };
}

/** Public keys, ready to verify; null where a key is not the one that its id names. */
export type AuditKeyRing = ReadonlyMap<string, { readonly algorithm: string; readonly key: CryptoKey } | null>;

/** A key counts only where its id is its thumbprint (RFC 7638): so whoever knows the id knows the key. */
export async function auditKeyRing(keys: readonly JWK[]): Promise<AuditKeyRing> {
  const entries = keys.map(async (jwk) => {
    const { kid = '', alg: algorithm = '' } = jwk;
    const isSame = (await calculateJwkThumbprint(jwk).catch(() => null)) === kid;
    const key = isSame ? await importKey(jwk, algorithm).catch(() => null) : null;
    return [kid, key && { algorithm, key }] as const;
  });
  return new Map(await Promise.all(entries));
}

/**
 * Reads a signed statement. Only what is said under one of the keys counts.
 * @returns its payload and the key's id; or why it can't be believed, as the end of a sentence
 */
export async function readStatement(
  jws: string,
  type: string,
  keys: AuditKeyRing,
): Promise<{ readonly kid: string; readonly payload: Readonly<Record<string, unknown>> } | { readonly why: string }> {
  try {
    const { alg, typ, kid } = readCompactHeader(jws);
    if (typ !== type || kid === undefined) return { why: 'is no statement of this kind' };
    const known = keys.get(kid);
    if (known === undefined) return { why: `is signed with the key ${kid}, which is not known here` };
    if (known?.algorithm !== alg) return { why: `is signed with the key ${kid}, and another one has its name here` };
    const { payload } = await compactVerify(jws, known.key, { algorithms: [alg] });
    return { kid, payload: JSON.parse(Buffer.from(payload).toString('utf8')) };
  } catch {
    return { why: 'has no valid signature' };
  }
}

async function currentKey(executor: Executor): Promise<KeyRow | undefined> {
  const [key] = await query<KeyRow>(
    executor,
    `select id, algorithm, public_jwk, private_jwk from ostiary.signing_key
     where purpose = 'audit' and retired_at is null order by created_at desc limit 1`,
  );
  return key;
}

async function firstKey(transaction: Transaction, runtime: Runtime): Promise<KeyRow> {
  await lockKeys(transaction);
  if ((await currentKey(transaction)) === undefined) await addKey(transaction, runtime, ALGORITHM, 'audit');
  const key = await currentKey(transaction);
  if (key === undefined) throw new TypeError('the key that was just made is not there');
  return key;
}
