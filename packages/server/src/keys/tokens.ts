import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { createBoundedCache } from '../bounded-cache.js';
import { isId } from '../input/ids.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import { readCompactHeader } from './compact-form.js';
import { digestOfToken } from './digest.js';
import { sharedSecretKeys } from './shared-secret.js';
import type { SigningKeys } from './signing-keys.js';
import type { AsymmetricAlgorithm, TokenKeys } from './token-keys.js';

export type TokenServiceOptions = {
  readonly runtime: Runtime;
  readonly lifetimeSeconds: number;
  readonly issuer: string;
  readonly audience: string;
  /** How many verified tokens are remembered. 10,000 if not given. */
  readonly cacheCapacity?: number;
} & (
  | { readonly algorithm: 'HS256'; readonly secret: string }
  | { readonly algorithm: AsymmetricAlgorithm; readonly keys: SigningKeys }
);

/** Whom a token is for. */
export interface TokenSubject {
  /** The principal's id. */
  readonly sub: string;
  readonly kind: string;
  readonly sessionId: string;
  /** Further claims, for the client to read. The server doesn't read them, and they can't replace its own. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What a verified token says: who, never what they may do. */
export interface VerifiedToken {
  readonly sub: string;
  readonly kind: string;
  readonly sessionId: string;
}

/** Issues and verifies the access tokens of one application. */
export interface TokenService {
  readonly lifetimeSeconds: number;
  /** Signs a token (JWT in the profile of RFC 9068) that is good from `now` on, for `seconds`: `lifetimeSeconds` unless given. */
  issue(
    subject: TokenSubject,
    now: Date,
    seconds?: number,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }>;
  /**
   * Reads a token, if it is one of this application's and good at `now`.
   * @throws Problem `invalid_token`, the same whatever is wrong
   */
  verify(token: string, now: Date): Promise<VerifiedToken>;
}

/** The media type of a JWT access token, without its prefix (RFC 9068 section 2.1). */
const ACCESS_TOKEN_TYPE = 'at+jwt';
/** The claims that every token has, and that nothing else can give. */
export const OWN_CLAIMS = ['iss', 'aud', 'sub', 'sid', 'kind', 'iat', 'nbf', 'exp', 'jti'];

/** How kinds of principals are written: anything else is none, and may be what PostgreSQL can't read. */
const KIND = /^[\w-]{1,100}$/;

interface CachedToken {
  readonly kid: string | undefined;
  readonly notBefore: number;
  readonly expires: number;
  readonly verified: VerifiedToken;
}

/** Makes the token service of one application. Its algorithm is pinned: a token can't choose how it is verified. */
export function createTokenService(options: TokenServiceOptions): TokenService {
  const { algorithm, runtime, lifetimeSeconds, issuer, audience } = options;
  const keys: TokenKeys =
    options.algorithm === 'HS256' ? sharedSecretKeys(options.secret) : options.keys.tokenKeys(options.algorithm);
  const cache = createBoundedCache<CachedToken>(options.cacheCapacity ?? 10_000);

  const verifyAnew = async (token: string, now: Date): Promise<CachedToken> => {
    const { alg, typ, kid } = readCompactHeader(token);
    if (alg !== algorithm || typ !== ACCESS_TOKEN_TYPE) throw new Problem('invalid_token');
    const key = await keys.verifier(kid, now);
    if (!key) throw new Problem('invalid_token');
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      typ: ACCESS_TOKEN_TYPE,
      issuer,
      audience,
      requiredClaims: OWN_CLAIMS,
      currentDate: now,
      clockTolerance: 0,
    }).catch(() => {
      throw new Problem('invalid_token');
    });
    return { kid, ...readClaims(payload) };
  };

  return {
    lifetimeSeconds,

    async issue({ sub, kind, sessionId, claims }, now, seconds = lifetimeSeconds) {
      const { kid, key } = await keys.signer();
      const issuedAt = secondsOf(now);
      const expires = issuedAt + seconds;
      const token = await new SignJWT({ ...claims, kind, sid: sessionId })
        .setProtectedHeader({ alg: algorithm, typ: ACCESS_TOKEN_TYPE, ...(kid === undefined ? {} : { kid }) })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(sub)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(expires)
        .setJti(runtime.id())
        .sign(key);
      return { token, expiresAt: new Date(expires * 1000) };
    },

    async verify(token, now) {
      const cacheKey = digestOfToken(token);
      const cached = cache.get(cacheKey);
      if (!cached) {
        const fresh = await verifyAnew(token, now);
        cache.set(cacheKey, fresh);
        return fresh.verified;
      }
      const good = isWithin(cached, now) && (await keys.verifier(cached.kid, now)) !== null;
      if (good) return cached.verified;
      cache.delete(cacheKey);
      throw new Problem('invalid_token');
    },
  };
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function isWithin({ notBefore, expires }: CachedToken, now: Date): boolean {
  const seconds = secondsOf(now);
  return notBefore <= seconds && seconds < expires;
}

/** Checks the form of what was signed: whoever shares an HS256 secret may sign anything. */
function readClaims({ sub, sid, kind, nbf, exp }: JWTPayload): Omit<CachedToken, 'kid'> {
  if (
    nbf === undefined ||
    exp === undefined ||
    typeof kind !== 'string' ||
    !KIND.test(kind) ||
    !isId(sub) ||
    !isId(sid)
  ) {
    throw new Problem('invalid_token');
  }
  return { notBefore: nbf, expires: exp, verified: { sub, kind, sessionId: sid } };
}
