import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigningKeys, createTokenService, type TokenService } from '../src/keys/index.js';
import { type Runtime, systemRuntime } from '../src/runtime.js';
import { type Database, openDatabase } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { testDatabase } from './support/cluster.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const SECONDS = NOW.getTime() / 1000;
const SECRET = 'a secret for tests, of more than 32 characters';
const ISSUER = 'https://ostiary.example';
const AUDIENCE = 'trials';
const SUB = '0195500e-0000-7000-8000-000000000001';
const SID = '0195500e-0000-7000-8000-000000000002';
const runtime: Runtime = { ...systemRuntime, now: () => NOW };

type Json = Readonly<Record<string, unknown>>;
type Signer = (input: Buffer) => Buffer;

let data: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let es256: TokenService;
let hs256: TokenService;
let kid: string;
let publicJwk: JWK;
let privateKey: KeyObject;
let encryptionKid: string;
let encryptionKey: KeyObject;

beforeAll(async () => {
  data = await testDatabase({
    name: 'platform',
    setUp: async (pool) => {
      for (const statement of PLATFORM_DDL) await pool.query(statement);
    },
  });
  database = openDatabase(data.config);
  const keys = createSigningKeys({ database, runtime, longestLifetimeSeconds: 3600 });
  // Before the others, which are read when they have been made.
  await addEncryptionKey();
  await keys.ensureSigningKey('ES256');
  await keys.ensureSigningKey('EdDSA');
  const row = await database.db
    .selectFrom('ostiary.signing_key')
    .selectAll()
    .where('algorithm', '=', 'ES256')
    .where('id', '<>', encryptionKid)
    .executeTakeFirstOrThrow();
  kid = row.id;
  publicJwk = row.public_jwk as JWK;
  privateKey = createPrivateKey({ key: row.private_jwk, format: 'jwk' });
  const common = { runtime, lifetimeSeconds: 3600, issuer: ISSUER, audience: AUDIENCE };
  es256 = createTokenService({ ...common, algorithm: 'ES256', keys });
  hs256 = createTokenService({ ...common, algorithm: 'HS256', secret: SECRET });
});

afterAll(async () => {
  await database.close();
  await data.drop();
});

/** A good key pair that is marked for encryption. */
async function addEncryptionKey(): Promise<void> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(pair.publicKey)), use: 'enc' };
  encryptionKey = pair.privateKey;
  encryptionKid = await calculateJwkThumbprint(jwk);
  await database.db
    .insertInto('ostiary.signing_key')
    .values({
      id: encryptionKid,
      algorithm: 'ES256',
      public_jwk: JSON.stringify(jwk),
      private_jwk: JSON.stringify({ ...(await exportJWK(pair.privateKey)), use: 'enc' }),
      created_at: NOW,
      retired_at: null,
    })
    .execute();
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const ecdsa =
  (key: () => KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Signer =>
  (input) =>
    sign('sha256', input, { key: key(), dsaEncoding });
const hmac =
  (secret: string | Buffer, algorithm = 'sha256'): Signer =>
  (input) =>
    createHmac(algorithm, secret).update(input).digest();
const ours: Signer = ecdsa(() => privateKey);
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const CLAIMS: Json = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: SUB,
  sid: SID,
  kind: 'user',
  iat: SECONDS,
  nbf: SECONDS,
  exp: SECONDS + 3600,
  jti: '0195500e-0000-7000-8000-000000000003',
};

/** A token with anything in it changed; undefined leaves a member out. Text stands for itself. */
function forge(change: { header?: Json | string; claims?: Json | string; by?: Signer } = {}): string {
  const header =
    typeof change.header === 'string' ? change.header : { alg: 'ES256', typ: 'at+jwt', kid, ...change.header };
  const claims = typeof change.claims === 'string' ? change.claims : { ...CLAIMS, ...change.claims };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${(change.by ?? ours)(Buffer.from(input)).toString('base64url')}`;
}

/** The same token with one part replaced. */
function withPart(index: 0 | 1 | 2, replace: (part: string) => string): string {
  return forge()
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
const nothing: Signer = () => Buffer.alloc(0);

const HOSTILE: readonly (readonly [string, () => string])[] = [
  // The algorithm.
  ['alg none without a signature', () => forge({ header: { alg: 'none' }, by: nothing })],
  ['alg none with the signature kept', () => forge({ header: { alg: 'none' } })],
  ['alg nOnE', () => forge({ header: { alg: 'nOnE' }, by: nothing })],
  ['no alg', () => forge({ header: { alg: undefined } })],
  ['alg not a string', () => forge({ header: { alg: ['ES256'] } })],
  ['alg in the wrong case', () => forge({ header: { alg: 'es256' } })],
  ['alg of another of our keys', () => forge({ header: { alg: 'EdDSA' } })],
  ['alg ES384', () => forge({ header: { alg: 'ES384' } })],
  ['HS256 with the public key as PEM', () => forge({ header: { alg: 'HS256' }, by: hmac(publicPem()) })],
  ['HS256 with the public key as JWK', () => forge({ header: { alg: 'HS256' }, by: hmac(JSON.stringify(publicJwk)) })],
  [
    'HS256 with the public point',
    () => forge({ header: { alg: 'HS256' }, by: hmac(Buffer.from(publicJwk.x ?? '', 'base64url')) }),
  ],
  ['HS256 with an empty secret', () => forge({ header: { alg: 'HS256' }, by: hmac('') })],
  [
    "HS256 with another application's secret",
    () => forge({ header: { alg: 'HS256', kid: undefined }, by: hmac(SECRET) }),
  ],
  // The key.
  ["a stranger's key under our kid", () => forge({ by: ecdsa(() => stranger.privateKey) })],
  ["a stranger's key under its own kid", () => forge({ header: { kid: 'x' }, by: ecdsa(() => stranger.privateKey) })],
  ['no kid', () => forge({ header: { kid: undefined } })],
  ['an empty kid', () => forge({ header: { kid: '' } })],
  ['kid null', () => forge({ header: { kid: null } })],
  ['kid not a string', () => forge({ header: { kid: [kid] } })],
  ['kid a path', () => forge({ header: { kid: '../../dev/null' }, by: hmac('') })],
  ['kid SQL', () => forge({ header: { kid: "' or 1=1 --" } })],
  ['kid __proto__', () => forge({ header: { kid: '__proto__' } })],
  ['kid with a NUL', () => forge({ header: { kid: '\0' } })],
  ['a key marked for encryption', () => forge({ header: { kid: encryptionKid }, by: ecdsa(() => encryptionKey) })],
  // The header.
  [
    'an embedded jwk',
    () =>
      forge({
        header: { jwk: stranger.publicKey.export({ format: 'jwk' }), kid: undefined },
        by: ecdsa(() => stranger.privateKey),
      }),
  ],
  ['our own jwk embedded', () => forge({ header: { jwk: publicJwk } })],
  ['jku', () => forge({ header: { jku: 'https://evil.example/jwks' } })],
  ['x5u', () => forge({ header: { x5u: 'https://evil.example/cert' } })],
  ['x5c', () => forge({ header: { x5c: ['MIIB'] } })],
  ['crit', () => forge({ header: { crit: ['exp'], exp: 1 } })],
  ['crit empty', () => forge({ header: { crit: [] } })],
  ['b64 false', () => forge({ header: { b64: false, crit: ['b64'] } })],
  ['zip', () => forge({ header: { zip: 'DEF' } })],
  ['an unknown header parameter', () => forge({ header: { admin: true } })],
  ['typ JWT', () => forge({ header: { typ: 'JWT' } })],
  ['typ of an ID token', () => forge({ header: { typ: 'id+jwt' } })],
  ['typ in another case', () => forge({ header: { typ: 'AT+JWT' } })],
  ['typ with its prefix, which we never write', () => forge({ header: { typ: 'application/at+jwt' } })],
  ['no typ', () => forge({ header: { typ: undefined } })],
  ['a header that is an array', () => forge({ header: '[]' })],
  ['a header that is null', () => forge({ header: 'null' })],
  ['a header that is no JSON', () => forge({ header: '{alg:ES256}' })],
  // The claims.
  ['another issuer', () => forge({ claims: { iss: 'https://evil.example' } })],
  ['no issuer', () => forge({ claims: { iss: undefined } })],
  ['another audience', () => forge({ claims: { aud: 'other' } })],
  ['an audience that begins like ours', () => forge({ claims: { aud: `${AUDIENCE}2` } })],
  ['audiences without ours', () => forge({ claims: { aud: ['other', 'another'] } })],
  ['no audience', () => forge({ claims: { aud: undefined } })],
  ['expired', () => forge({ claims: { exp: SECONDS - 1 } })],
  ['expired this second', () => forge({ claims: { exp: SECONDS } })],
  ['no expiry', () => forge({ claims: { exp: undefined } })],
  ['an expiry that is text', () => forge({ claims: { exp: '9999999999' } })],
  ['not yet valid', () => forge({ claims: { nbf: SECONDS + 1 } })],
  ['no nbf', () => forge({ claims: { nbf: undefined } })],
  ['no iat', () => forge({ claims: { iat: undefined } })],
  ['no jti', () => forge({ claims: { jti: undefined } })],
  ['no sub', () => forge({ claims: { sub: undefined } })],
  ['sub no id', () => forge({ claims: { sub: 'admin' } })],
  ['no sid', () => forge({ claims: { sid: undefined } })],
  ['sid no id', () => forge({ claims: { sid: '1' } })],
  ['sid an object', () => forge({ claims: { sid: { id: SID } } })],
  ['no kind', () => forge({ claims: { kind: undefined } })],
  ['kind not a string', () => forge({ claims: { kind: 1 } })],
  ['claims that are an array', () => forge({ claims: '[]' })],
  ['claims that are no JSON', () => forge({ claims: 'x' })],
  // The signature.
  ['the header tampered with', () => withPart(0, (part) => encode(JSON.stringify(JSON.parse(decode(part)), null, 1)))],
  ['the claims tampered with', () => withPart(1, (part) => encode(decode(part).replace('"user"', '"root"')))],
  ['the signature tampered with', () => withPart(2, flip)],
  ['the signature cut off', () => withPart(2, (part) => part.slice(0, 40))],
  ['the signature of another token', () => withPart(2, () => forge({ claims: { jti: 'x' } }).split('.')[2] ?? '')],
  ['a signature of zeros', () => forge({ by: () => Buffer.alloc(64) })],
  ['a signature in DER', () => forge({ by: ecdsa(() => privateKey, 'der') })],
  ['an empty signature', () => forge({ by: nothing })],
  // The form.
  ['nothing', () => ''],
  ['two dots', () => '..'],
  ['two parts', () => forge().split('.').slice(0, 2).join('.')],
  ['four parts', () => `${forge()}.`],
  ['five parts, as a JWE has', () => `${forge()}.AAAA.AAAA`],
  ['white space before', () => ` ${forge()}`],
  ['a line feed after', () => `${forge()}\n`],
  ['a scheme before', () => `Bearer ${forge()}`],
  ['padding', () => withPart(2, (part) => `${part}==`)],
  ['white space inside', () => withPart(2, (part) => `${part.slice(0, 4)}\n${part.slice(4)}`)],
  ['a character that decoders skip', () => withPart(2, (part) => `${part.slice(0, 4)}*${part.slice(4)}`)],
  ['stray bits at the end', () => withPart(2, sloppy)],
  ['the JSON serialisation', () => JSON.stringify({ payload: encode(CLAIMS), signatures: [] })],
  ['more than 8 kB', () => forge({ claims: { filler: 'x'.repeat(8192) } })],
];

const decode = (part: string): string => Buffer.from(part, 'base64url').toString();

function publicPem(): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** How a verification ends, whole: what a caller could tell apart. */
async function outcome(service: TokenService, token: string, now = NOW): Promise<unknown> {
  return service.verify(token, now).then(
    (verified) => ({ verified }),
    (error: unknown) => ({ ...(error as object), text: String(error) }),
  );
}

const REFUSED = {
  name: 'Problem',
  code: 'invalid_token',
  status: 401,
  details: {},
  text: 'Problem: The token is not valid, or no longer',
};

describe('tokens', () => {
  it('are good if nothing is forged: or the cases below would prove nothing', async () => {
    expect(await outcome(es256, forge())).toEqual({ verified: { sub: SUB, kind: 'user', sessionId: SID } });
    const hs = forge({ header: { alg: 'HS256', kid: undefined }, by: hmac(SECRET) });
    expect(await outcome(hs256, hs)).toEqual({ verified: { sub: SUB, kind: 'user', sessionId: SID } });
  });

  it.each(HOSTILE)('refuses %s', async (_, make) => {
    const message = 'A forged token must be refused like any other: check before jose, and give invalid_token alone';
    expect(await outcome(es256, make()), message).toEqual(REFUSED);
  });

  it.each<[string, () => string]>([
    ['an ES256 token of this installation', () => forge()],
    ['an ES256 token without a kid', () => forge({ header: { kid: undefined } })],
    ['another secret', () => forge({ header: { alg: 'HS256', kid: undefined }, by: hmac(`${SECRET}.`) })],
    ['a kid', () => forge({ header: { alg: 'HS256' }, by: hmac(SECRET) })],
    ['HS512 with the secret', () => forge({ header: { alg: 'HS512', kid: undefined }, by: hmac(SECRET, 'sha512') })],
    ['alg none', () => forge({ header: { alg: 'none', kid: undefined }, by: nothing })],
  ])('an application with HS256 refuses %s', async (_, make) => {
    expect(await outcome(hs256, make()), 'An application verifies with its one pinned algorithm').toEqual(REFUSED);
  });

  it.each(['ES256', 'HS256'])('issued with %s are RFC 9068 tokens that verify until they expire', async (algorithm) => {
    const service = algorithm === 'HS256' ? hs256 : es256;
    const claims = { name: 'Ada', sub: 'someone else', exp: 1, sid: 'x', kind: 'root', iss: 'x', aud: 'x' };
    const { token, expiresAt } = await service.issue({ sub: SUB, kind: 'user', sessionId: SID, claims }, NOW);
    const [header, payload] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(decode(part)) as Json);
    expect(header).toEqual({ alg: algorithm, typ: 'at+jwt', ...(algorithm === 'ES256' ? { kid } : {}) });
    expect(payload).toEqual({ ...CLAIMS, name: 'Ada', jti: expect.any(String) });
    expect(expiresAt).toEqual(new Date('2026-03-01T13:00:00.000Z'));
    const message = 'The cache of verified tokens must look at the time each time';
    for (const [time, good] of [
      [NOW, true],
      [new Date(expiresAt.getTime() - 1), true],
      [expiresAt, false],
      [NOW, true],
      [new Date(NOW.getTime() - 1000), false],
    ] as const) {
      expect('verified' in ((await outcome(service, token, time)) as object), `${message}: ${time}`).toBe(good);
    }
  });

  it('remembers no more tokens than its cache may hold, and still verifies the others', async () => {
    const small = createTokenService({
      runtime,
      lifetimeSeconds: 60,
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithm: 'HS256',
      secret: SECRET,
      cacheCapacity: 2,
    });
    const issued = await Promise.all(
      Array.from({ length: 5 }, () => small.issue({ sub: SUB, kind: 'user', sessionId: SID }, NOW)),
    );
    for (const { token } of [...issued, ...issued]) expect(await outcome(small, token)).toHaveProperty('verified');
  });
});
