import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Runtime } from '../runtime.js';
import { ConfigurationError, MIN_SECRET_LENGTH } from './secret.js';

/** Encrypts single values: AES-256-GCM (NIST SP 800-38D), bound to the place that each is for. */
export interface FieldKeys {
  /** The id of the key that encrypts now. */
  current(): Promise<string>;
  /** Encrypts a text for a place: `<key id>.<base64url of nonce, ciphertext and tag>`. */
  seal(text: string, place: readonly string[]): Promise<string>;
  /**
   * Decrypts what was encrypted for the same place.
   * @throws ConfigurationError `secret_unknown` where its key is not here; Error where it was changed or moved
   */
  open(sealed: string, place: readonly string[]): Promise<string>;
  /** Whether there is the key that something was encrypted with; the secrets are read again first. */
  knows(key: string): Promise<boolean>;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Makes keys of secrets, of which the first one encrypts and each decrypts.
 * @param read reads them: again for whatever is encrypted, since another process may have changed them, and where a key is
 *   not known
 * @throws ConfigurationError `secret_missing`, `secret_too_short`
 */
export async function createFieldKeys(runtime: Runtime, read: () => Promise<readonly string[]>): Promise<FieldKeys> {
  const load = async () => requireSome((await read()).map(keyOf));
  let keys = await load();
  const find = async (id: string): Promise<Key | undefined> => {
    const known = keys.find((key) => key.id === id);
    if (known !== undefined) return known;
    keys = await load();
    return keys.find((key) => key.id === id);
  };

  return {
    async current() {
      keys = await load();
      return keys[0].id;
    },

    async seal(text, place) {
      keys = await load();
      const [key] = keys;
      const nonce = runtime.bytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key.bytes, nonce).setAAD(aadOf(place));
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return `${key.id}.${Buffer.concat(parts).toString('base64url')}`;
    },

    async open(sealed, place) {
      const [id = '', body = ''] = sealed.split('.');
      const key = await find(id);
      if (key === undefined) {
        throw new ConfigurationError('secret_unknown', `${place.join(' ')} is encrypted with a key that is not here`);
      }
      const bytes = Buffer.from(body, 'base64url');
      const end = Math.max(NONCE_BYTES, bytes.length - TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, key.bytes, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(aadOf(place))
        .setAuthTag(bytes.subarray(end));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]).toString('utf8');
    },

    knows: async (id) => (await find(id)) !== undefined,
  };
}

/** A secret is what a person chose: the key is derived from it, and so is the key's id, which tells nothing of it. */
function keyOf(secret: string): Key {
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new ConfigurationError(
      'secret_too_short',
      `OSTIARY_SECRET_KEY is too short: set it to at least ${MIN_SECRET_LENGTH} random characters`,
    );
  }
  const derive = (use: string, length: number) => Buffer.from(hkdfSync('sha256', secret, '', `ostiary ${use}`, length));
  return { id: derive('field key id', 9).toString('base64url'), bytes: derive('field key', 32) };
}

function requireSome(keys: readonly Key[]): readonly [Key, ...Key[]] {
  const [first, ...rest] = keys;
  if (first !== undefined) return [first, ...rest];
  throw new ConfigurationError(
    'secret_missing',
    `OSTIARY_SECRET_KEY is missing: set it to at least ${MIN_SECRET_LENGTH} random characters`,
  );
}

function aadOf(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(place), 'utf8');
}
