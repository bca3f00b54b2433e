import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import type { Runtime } from '../runtime.js';
import type { Database, Executor } from '../storage/database.js';
import type { AsymmetricAlgorithm, TokenKeys } from './token-keys.js';

export interface SigningKeysOptions {
  readonly database: Database;
  readonly runtime: Runtime;
  /** The longest lifetime of a token of any application: how long a retired key still verifies. */
  readonly longestLifetimeSeconds: number;
  /** Told of a rotation in its transaction, for the audit trail: it fails where this does. */
  readonly rotated: (transaction: Executor, key: { readonly algorithm: string; readonly kid: string }) => Promise<void>;
  /** After how long another server process's rotation is noticed. 30 if not given. */
  readonly refreshSeconds?: number;
}

/** The asymmetric keys that sign an installation's tokens, shared by its server processes through the database. */
export interface SigningKeys {
  /** Makes a key where none signs with this algorithm. Call it before the first token is issued. */
  ensureSigningKey(algorithm: AsymmetricAlgorithm): Promise<void>;
  /**
   * Makes a new key sign. The one before is retired: it stays published and verifies until all of its tokens have
   * expired. Keys that are past that are deleted. Returns the new key's id.
   */
  rotateSigningKey(algorithm: AsymmetricAlgorithm): Promise<string>;
  /** The public keys that verify now, as a JWK Set (RFC 7517 section 5). */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
  /** The keys for tokens of one algorithm. */
  tokenKeys(algorithm: AsymmetricAlgorithm): TokenKeys;
}

/** An unknown key id makes the keys load again, but no more often than this: anybody can send one. */
const RELOAD_MILLISECONDS = 1000;

/** Opens the keys that are in the database. They are read when first needed. */
export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { database, runtime } = options;
  const refreshMilliseconds = (options.refreshSeconds ?? 30) * 1000;
  const graceMilliseconds = options.longestLifetimeSeconds * 1000;
  let ring: KeyRing | null = null;
  let loading: Promise<KeyRing> | null = null;

  const load = async (): Promise<KeyRing> => {
    loading ??= readRing(database.db, runtime.now()).finally(() => {
      loading = null;
    });
    ring = await loading;
    return ring;
  };

  /** Loads what is there after a change made here: what began to load before it doesn't count. */
  const reload = async (): Promise<void> => {
    await loading?.catch(() => {});
    await load();
  };

  const olderThan = (milliseconds: number, loaded: KeyRing): boolean => {
    const age = runtime.now().getTime() - loaded.loadedAt.getTime();
    // A negative age means that the clock was set back.
    return age < 0 || age >= milliseconds;
  };

  const current = async (): Promise<KeyRing> => (ring && !olderThan(refreshMilliseconds, ring) ? ring : load());

  const find = async (kid: string): Promise<StoredKey | undefined> => {
    const loaded = await current();
    const found = loaded.keys.get(kid);
    if (found || !olderThan(RELOAD_MILLISECONDS, loaded)) return found;
    return (await load()).keys.get(kid);
  };

  const verifiesAt = (key: StoredKey, now: Date): boolean =>
    key.retiredAt === null || now.getTime() < key.retiredAt.getTime() + graceMilliseconds;

  return {
    async ensureSigningKey(algorithm) {
      await database.db.transaction().execute(async (tx) => {
        await lockKeys(tx);
        if (!(await hasSigner(tx, algorithm))) await addKey(tx, runtime, algorithm);
      });
      await reload();
    },

    async rotateSigningKey(algorithm) {
      const kid = await database.db.transaction().execute(async (tx) => {
        await lockKeys(tx);
        const now = runtime.now();
        await tx
          .deleteFrom('ostiary.signing_key')
          .where('purpose', '=', 'token')
          .where('retired_at', '<=', new Date(now.getTime() - graceMilliseconds))
          .execute();
        await tx
          .updateTable('ostiary.signing_key')
          .set({ retired_at: now })
          .where('purpose', '=', 'token')
          .where('algorithm', '=', algorithm)
          .where('retired_at', 'is', null)
          .execute();
        const kid = await addKey(tx, runtime, algorithm);
        await options.rotated(tx, { algorithm, kid });
        return kid;
      });
      await reload();
      return kid;
    },

    async jwks() {
      const now = runtime.now();
      const { keys } = await current();
      return { keys: [...keys.values()].filter((key) => verifiesAt(key, now)).map((key) => key.publicJwk) };
    },

    tokenKeys: (algorithm) => ({
      async signer() {
        const signer = (await current()).signers.get(algorithm);
        if (!signer) throw new Error(`No key signs with ${algorithm}: call ensureSigningKey('${algorithm}') first`);
        return signer;
      },
      async verifier(kid, now) {
        const key = kid === undefined ? undefined : await find(kid);
        return key && key.algorithm === algorithm && verifiesAt(key, now) ? key.verify : null;
      },
    }),
  };
}

interface StoredKey {
  readonly algorithm: string;
  readonly retiredAt: Date | null;
  readonly publicJwk: JWK;
  readonly verify: CryptoKey;
}

interface KeyRing {
  readonly loadedAt: Date;
  readonly keys: ReadonlyMap<string, StoredKey>;
  readonly signers: ReadonlyMap<string, { readonly kid: string; readonly key: CryptoKey }>;
}

/** Lets one process at a time add keys, so that two that start together don't both make one. */
export async function lockKeys(tx: Executor): Promise<void> {
  await sql`lock table ostiary.signing_key in share row exclusive mode`.execute(tx);
}

async function hasSigner(tx: Executor, algorithm: AsymmetricAlgorithm): Promise<boolean> {
  const rows = await tx
    .selectFrom('ostiary.signing_key')
    .select('public_jwk')
    .where('purpose', '=', 'token')
    .where('algorithm', '=', algorithm)
    .where('retired_at', 'is', null)
    .execute();
  return rows.some((row) => isForSignatures(row.public_jwk));
}

/** Adds a key pair; its id is the thumbprint of its public key (RFC 7638, SHA-256). */
export async function addKey(
  tx: Executor,
  runtime: Runtime,
  algorithm: AsymmetricAlgorithm,
  purpose: 'token' | 'audit' = 'token',
): Promise<string> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  await tx
    .insertInto('ostiary.signing_key')
    .values({
      id: kid,
      algorithm,
      public_jwk: JSON.stringify({ ...publicJwk, kid, alg: algorithm, use: 'sig' }),
      private_jwk: JSON.stringify({ ...(await exportJWK(pair.privateKey)), kid, alg: algorithm, use: 'sig' }),
      created_at: runtime.now(),
      retired_at: null,
      purpose,
    })
    .execute();
  return kid;
}

async function readRing(executor: Executor, loadedAt: Date): Promise<KeyRing> {
  const rows = await executor
    .selectFrom('ostiary.signing_key')
    .selectAll()
    .where('purpose', '=', 'token')
    .orderBy('created_at')
    .execute();
  const keys = new Map<string, StoredKey>();
  const signers = new Map<string, { kid: string; key: CryptoKey }>();
  for (const row of rows.filter((each) => isForSignatures(each.public_jwk))) {
    const publicJwk = publish(row.id, row.algorithm, row.public_jwk);
    const verify = await importKey(publicJwk, row.algorithm);
    keys.set(row.id, { algorithm: row.algorithm, retiredAt: row.retired_at, publicJwk, verify });
    if (row.retired_at === null) {
      signers.set(row.algorithm, { kid: row.id, key: await importKey(row.private_jwk, row.algorithm) });
    }
  }
  return { loadedAt, keys, signers };
}

/** RFC 7517 section 4.2: a key that is marked for encryption neither signs nor verifies. Libraries don't all check. */
function isForSignatures(jwk: Readonly<Record<string, unknown>>): boolean {
  return jwk.use === undefined || jwk.use === 'sig';
}

/** Names the members one by one, so that a private one can't slip out. */
export function publish(kid: string, algorithm: string, jwk: Readonly<Record<string, unknown>> | null): JWK {
  const { kty, crv, x, y } = (jwk ?? {}) as JWK;
  return { kty, crv, x, ...(y === undefined ? {} : { y }), kid, alg: algorithm, use: 'sig' } as JWK;
}

export async function importKey(jwk: JWK, algorithm: string): Promise<CryptoKey> {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new Error('A signing key in the database is not asymmetric');
  return key;
}
