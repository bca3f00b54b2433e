import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';

export type Json = Readonly<Record<string, unknown>>;
export type Signer = (input: Buffer) => Buffer;

/** What a forger may have at most: everything that makes a good token of an application. */
export interface Kit {
  readonly algorithm: 'ES256' | 'EdDSA' | 'HS256';
  /** The header and the claims of a good token, and what signs it. */
  readonly header: Json;
  readonly claims: Json;
  readonly signer: Signer;
  /** The key pair, where there is one. */
  readonly privateKey: KeyObject | null;
  readonly publicKey: KeyObject | null;
  readonly publicJwk: JWK;
  /** A good key of the installation that is marked for encryption. */
  readonly encryption: { readonly kid: string; readonly signer: Signer };
}

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const decode = (part: string): string => Buffer.from(part, 'base64url').toString();

export const hmac =
  (secret: string | Buffer, hash = 'sha256'): Signer =>
  (input) =>
    createHmac(hash, secret).update(input).digest();
export const asymmetric =
  (key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Signer =>
  (input) =>
    key.asymmetricKeyType === 'ed25519' ? sign(null, input, key) : sign('sha256', input, { key, dsaEncoding });

const nothing: Signer = () => Buffer.alloc(0);

/** A token with anything in it changed; undefined leaves a member out. Text stands for itself. */
export function forge(
  kit: Kit,
  change: { header?: Json | string; claims?: Json | string; by?: Signer | undefined } = {},
): string {
  const header = typeof change.header === 'string' ? change.header : { ...kit.header, ...change.header };
  const claims = typeof change.claims === 'string' ? change.claims : { ...kit.claims, ...change.claims };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${(change.by ?? kit.signer)(Buffer.from(input)).toString('base64url')}`;
}

/** A good token with one part replaced. */
function withPart(kit: Kit, index: 0 | 1 | 2, replace: (part: string) => string): string {
  return forge(kit)
    .split('.')
    .map((part, at) => (at === index ? replace(part) : part))
    .join('.');
}

/** Sets bits of the last character that carry no data: lenient decoders see the same bytes. */
function sloppy(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}

const flip = (part: string): string => (part.startsWith('A') ? 'B' : 'A') + part.slice(1);
const seconds = (kit: Kit): number => Number(kit.claims.iat);

export type Forgery = readonly [says: string, make: (kit: Kit) => string];

const strangers = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};
const stranger = ({ algorithm }: Kit) => (algorithm === 'HS256' ? strangers.ES256 : strangers[algorithm]);
const strangersSigner = (kit: Kit): Signer =>
  kit.algorithm === 'HS256'
    ? hmac('a secret of somebody else, which is long enough')
    : asymmetric(stranger(kit).privateKey);

/** Tokens that are no good in any application. */
const EVERYWHERE: readonly Forgery[] = [
  // The algorithm.
  ...['none', 'None', 'NONE', 'nOnE', ''].map(
    (alg): Forgery => [`alg '${alg}' without a signature`, (kit) => forge(kit, { header: { alg }, by: nothing })],
  ),
  ['alg none with the signature kept', (kit) => forge(kit, { header: { alg: 'none' } })],
  ['no alg', (kit) => forge(kit, { header: { alg: undefined } })],
  ['alg not a string', (kit) => forge(kit, { header: { alg: [kit.algorithm] } })],
  ['alg in the wrong case', (kit) => forge(kit, { header: { alg: kit.algorithm.toLowerCase() } })],
  ['alg with white space', (kit) => forge(kit, { header: { alg: `${kit.algorithm} ` } })],
  ['alg ES384', (kit) => forge(kit, { header: { alg: 'ES384' } })],
  ['alg RS256', (kit) => forge(kit, { header: { alg: 'RS256' } })],
  ['alg PS256', (kit) => forge(kit, { header: { alg: 'PS256' } })],
  ['alg Ed25519', (kit) => forge(kit, { header: { alg: 'Ed25519' } })],
  ['HS256 with an empty secret', (kit) => forge(kit, { header: { alg: 'HS256' }, by: hmac('') })],
  // The key.
  ["a stranger's key under our kid", (kit) => forge(kit, { by: strangersSigner(kit) })],
  ["a stranger's key under its own kid", (kit) => forge(kit, { header: { kid: 'x' }, by: strangersSigner(kit) })],
  ['an empty kid', (kit) => forge(kit, { header: { kid: '' } })],
  ['kid null', (kit) => forge(kit, { header: { kid: null } })],
  ['kid not a string', (kit) => forge(kit, { header: { kid: [kit.header.kid] } })],
  ['kid a path', (kit) => forge(kit, { header: { kid: '../../dev/null' }, by: hmac('') })],
  ['kid SQL', (kit) => forge(kit, { header: { kid: "' or 1=1 --" } })],
  ['kid __proto__', (kit) => forge(kit, { header: { kid: '__proto__' } })],
  ['kid with a NUL', (kit) => forge(kit, { header: { kid: '\0' } })],
  [
    'a key marked for encryption',
    (kit) => forge(kit, { header: { kid: kit.encryption.kid }, by: kit.encryption.signer }),
  ],
  // The header.
  [
    'an embedded jwk',
    (kit) =>
      forge(kit, {
        header: { jwk: stranger(kit).publicKey.export({ format: 'jwk' }), kid: undefined },
        by: strangersSigner(kit),
      }),
  ],
  ['our own jwk embedded', (kit) => forge(kit, { header: { jwk: kit.publicJwk } })],
  ['jku', (kit) => forge(kit, { header: { jku: 'https://evil.example/jwks' } })],
  ['x5u', (kit) => forge(kit, { header: { x5u: 'https://evil.example/cert' } })],
  ['x5c', (kit) => forge(kit, { header: { x5c: ['MIIB'] } })],
  ['x5t', (kit) => forge(kit, { header: { x5t: 'AAAA' } })],
  ['crit', (kit) => forge(kit, { header: { crit: ['exp'], exp: 1 } })],
  ['crit empty', (kit) => forge(kit, { header: { crit: [] } })],
  ['b64 false', (kit) => forge(kit, { header: { b64: false, crit: ['b64'] } })],
  ['zip', (kit) => forge(kit, { header: { zip: 'DEF' } })],
  ['cty JWT', (kit) => forge(kit, { header: { cty: 'JWT' } })],
  ['an unknown header parameter', (kit) => forge(kit, { header: { admin: true } })],
  ['typ JWT', (kit) => forge(kit, { header: { typ: 'JWT' } })],
  ['typ of an ID token', (kit) => forge(kit, { header: { typ: 'id+jwt' } })],
  ['typ in another case', (kit) => forge(kit, { header: { typ: 'AT+JWT' } })],
  ['typ with its prefix, which we never write', (kit) => forge(kit, { header: { typ: 'application/at+jwt' } })],
  ['no typ', (kit) => forge(kit, { header: { typ: undefined } })],
  ['a header that is an array', (kit) => forge(kit, { header: '[]' })],
  ['a header that is null', (kit) => forge(kit, { header: 'null' })],
  ['a header that is no JSON', (kit) => forge(kit, { header: '{alg:ES256}' })],
  // The claims.
  ['another issuer', (kit) => forge(kit, { claims: { iss: 'https://evil.example' } })],
  ['our issuer with a slash', (kit) => forge(kit, { claims: { iss: `${String(kit.claims.iss)}/` } })],
  ['several issuers', (kit) => forge(kit, { claims: { iss: [kit.claims.iss] } })],
  ['no issuer', (kit) => forge(kit, { claims: { iss: undefined } })],
  ['another audience', (kit) => forge(kit, { claims: { aud: 'other' } })],
  ['an audience that begins like ours', (kit) => forge(kit, { claims: { aud: `${String(kit.claims.aud)}2` } })],
  ['audiences without ours', (kit) => forge(kit, { claims: { aud: ['other', 'another'] } })],
  ['no audience', (kit) => forge(kit, { claims: { aud: undefined } })],
  ['expired', (kit) => forge(kit, { claims: { exp: seconds(kit) - 1 } })],
  ['expired this second', (kit) => forge(kit, { claims: { exp: seconds(kit) } })],
  ['no expiry', (kit) => forge(kit, { claims: { exp: undefined } })],
  ['an expiry that is text', (kit) => forge(kit, { claims: { exp: '9999999999' } })],
  ['not yet valid', (kit) => forge(kit, { claims: { nbf: seconds(kit) + 1 } })],
  ['no nbf', (kit) => forge(kit, { claims: { nbf: undefined } })],
  ['no iat', (kit) => forge(kit, { claims: { iat: undefined } })],
  ['no jti', (kit) => forge(kit, { claims: { jti: undefined } })],
  ['no sub', (kit) => forge(kit, { claims: { sub: undefined } })],
  ['sub no id', (kit) => forge(kit, { claims: { sub: 'admin' } })],
  ["somebody else's id", (kit) => forge(kit, { claims: { sub: '0195500e-0000-7000-8000-000000000001' } })],
  ['no sid', (kit) => forge(kit, { claims: { sid: undefined } })],
  ['sid no id', (kit) => forge(kit, { claims: { sid: '1' } })],
  ['sid an object', (kit) => forge(kit, { claims: { sid: { id: kit.claims.sid } } })],
  ['a session that never was', (kit) => forge(kit, { claims: { sid: '0195500e-0000-7000-8000-000000000002' } })],
  ['no kind', (kit) => forge(kit, { claims: { kind: undefined } })],
  ['kind not a string', (kit) => forge(kit, { claims: { kind: 1 } })],
  ['a kind with a NUL', (kit) => forge(kit, { claims: { kind: '\0' } })],
  ['a kind of Object', (kit) => forge(kit, { claims: { kind: 'constructor' } })],
  ['claims that are an array', (kit) => forge(kit, { claims: '[]' })],
  ['claims that are no JSON', (kit) => forge(kit, { claims: 'x' })],
  ['a token in a token', (kit) => forge(kit, { claims: forge(kit) })],
  // The signature.
  [
    'the header tampered with',
    (kit) => withPart(kit, 0, (part) => encode(JSON.stringify(JSON.parse(decode(part)), null, 1))),
  ],
  [
    'the claims tampered with',
    (kit) => withPart(kit, 1, (part) => encode(decode(part).replace('"kind":"', '"kind":"x'))),
  ],
  ['the signature tampered with', (kit) => withPart(kit, 2, flip)],
  ['the signature cut off', (kit) => withPart(kit, 2, (part) => part.slice(0, 40))],
  [
    'the signature of another token',
    (kit) => withPart(kit, 2, () => forge(kit, { claims: { jti: 'x' } }).split('.')[2] ?? ''),
  ],
  ['a signature of zeros', (kit) => forge(kit, { by: () => Buffer.alloc(kit.algorithm === 'HS256' ? 32 : 64) })],
  ['an empty signature', (kit) => forge(kit, { by: nothing })],
  // The form.
  ['two dots', () => '..'],
  ['two parts', (kit) => forge(kit).split('.').slice(0, 2).join('.')],
  ['four parts', (kit) => `${forge(kit)}.`],
  ['five parts, as a JWE has', (kit) => `${forge(kit, { header: { alg: 'dir', enc: 'A256GCM' } })}.AAAA.AAAA`],
  ['two tokens', (kit) => `${forge(kit)}${forge(kit)}`],
  ['padding', (kit) => withPart(kit, 2, (part) => `${part}==`)],
  ['the other base64', (kit) => withPart(kit, 2, (part) => `${part.slice(0, 4)}+/${part.slice(6)}`)],
  ['a character that decoders skip', (kit) => withPart(kit, 2, (part) => `${part.slice(0, 4)}*${part.slice(4)}`)],
  ['stray bits at the end', (kit) => withPart(kit, 2, sloppy)],
  ['the JSON serialisation', (kit) => JSON.stringify({ payload: encode(kit.claims), signatures: [] })],
  ['more than 8 kB', (kit) => forge(kit, { claims: { filler: 'x'.repeat(8192) } })],
];

/** Against applications whose tokens are signed with a private key: the public one is known to everybody. */
const WITH_PUBLIC_KEY: readonly Forgery[] = [
  ['no kid', (kit) => forge(kit, { header: { kid: undefined } })],
  [
    'the algorithm of another of our keys',
    (kit) => forge(kit, { header: { alg: kit.algorithm === 'ES256' ? 'EdDSA' : 'ES256' } }),
  ],
  ...(['PEM', 'DER'] as const).map((format): Forgery => {
    const secret = ({ publicKey }: Kit) =>
      format === 'PEM'
        ? publicKey?.export({ type: 'spki', format: 'pem' }).toString()
        : publicKey?.export({ type: 'spki', format: 'der' });
    return [
      `HS256 with the public key as ${format}`,
      (kit) => forge(kit, { header: { alg: 'HS256' }, by: hmac(secret(kit) ?? '') }),
    ];
  }),
  [
    'HS256 with the public key as JWK',
    (kit) => forge(kit, { header: { alg: 'HS256' }, by: hmac(JSON.stringify(kit.publicJwk)) }),
  ],
  [
    'HS256 with the public point',
    (kit) => forge(kit, { header: { alg: 'HS256' }, by: hmac(Buffer.from(kit.publicJwk.x ?? '', 'base64url')) }),
  ],
  [
    'HS256 without a kid',
    (kit) => forge(kit, { header: { alg: 'HS256', kid: undefined }, by: hmac(JSON.stringify(kit.publicJwk)) }),
  ],
];

/** Against applications whose tokens are signed with a shared secret. */
const withSecret = (secret: string): readonly Forgery[] => [
  ['a kid', (kit) => forge(kit, { header: { kid: kit.encryption.kid } })],
  ['HS512 with the secret', (kit) => forge(kit, { header: { alg: 'HS512' }, by: hmac(secret, 'sha512') })],
  ['a secret that begins like ours', (kit) => forge(kit, { by: hmac(`${secret}.`) })],
  [
    'ES256 with a key that is embedded',
    (kit) =>
      forge(kit, {
        header: { alg: 'ES256', jwk: strangers.ES256.publicKey.export({ format: 'jwk' }) },
        by: asymmetric(strangers.ES256.privateKey),
      }),
  ],
  [
    'ES256 with a key of ours',
    (kit) => forge(kit, { header: { alg: 'ES256', kid: kit.encryption.kid }, by: kit.encryption.signer }),
  ],
];

/** Every forged token that an application of this algorithm may meet. */
export function forgeriesOf(algorithm: Kit['algorithm'], secret: string): readonly Forgery[] {
  if (algorithm === 'HS256') return [...EVERYWHERE, ...withSecret(secret)];
  const der: Forgery = [
    'a signature in DER',
    (kit) => forge(kit, { by: kit.privateKey ? asymmetric(kit.privateKey, 'der') : nothing }),
  ];
  return [...EVERYWHERE, ...WITH_PUBLIC_KEY, ...(algorithm === 'ES256' ? [der] : [])];
}
