import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomSecret, secretHash } from '../keys/index.js';
import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';

/** So long somebody has to log in at the provider. */
const STATE_SECONDS = 600;
/** So long a page has to redeem its code. */
const CODE_SECONDS = 60;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** The cookie of a browser, if it is one that was made here. */
export function browserSecret(cookie: string | undefined): string | null {
  return cookie !== undefined && SECRET.test(cookie) ? cookie : null;
}

/** A sign-on that was begun. */
export interface Begun {
  readonly application: string;
  readonly provider: string;
  readonly returnTo: string | null;
}

/** Remembers that a browser began to sign on. The database has hashes of the state and of the browser's secret alone. */
export async function rememberState(
  executor: Executor,
  runtime: Runtime,
  state: string,
  browser: string,
  begun: Begun,
): Promise<void> {
  await executor
    .insertInto('ostiary.sign_on_state')
    .values({
      state_hash: secretHash(state),
      application: begun.application,
      provider: begun.provider,
      browser_hash: secretHash(browser),
      return_to: begun.returnTo,
      expires_at: later(runtime, STATE_SECONDS),
    })
    .execute();
}

/** Uses up a state, whoever comes with it: null unless it is good for this application, provider and browser. */
export async function takeState(
  executor: Executor,
  runtime: Runtime,
  state: string,
  browser: string | null,
  at: Pick<Begun, 'application' | 'provider'>,
): Promise<Begun | null> {
  if (!SECRET.test(state)) return null;
  const taken = await executor
    .deleteFrom('ostiary.sign_on_state')
    .where('state_hash', '=', secretHash(state))
    .returning(['application', 'provider', 'browser_hash', 'return_to', 'expires_at'])
    .executeTakeFirst();
  const isGood =
    taken !== undefined &&
    taken.application === at.application &&
    taken.provider === at.provider &&
    taken.expires_at > runtime.now() &&
    isOf(taken.browser_hash, browser);
  return isGood ? { ...at, returnTo: taken.return_to } : null;
}

/** Who a one-time code lets in. */
export interface Admitted {
  readonly kind: string;
  readonly principalId: string;
  readonly provider: string;
}

/** Makes a code that lets the page of one browser fetch a token, once. The database has its hash alone. */
export async function makeCode(
  executor: Executor,
  runtime: Runtime,
  browser: string,
  application: string,
  admitted: Admitted,
): Promise<string> {
  const code = randomSecret(runtime);
  await executor
    .insertInto('ostiary.sign_on_code')
    .values({
      code_hash: secretHash(code),
      application,
      kind: admitted.kind,
      principal_id: admitted.principalId,
      provider: admitted.provider,
      browser_hash: secretHash(browser),
      expires_at: later(runtime, CODE_SECONDS),
    })
    .execute();
  return code;
}

/** Uses up a code, whoever comes with it: null unless it is good for this application and browser. */
export async function takeCode(
  executor: Executor,
  runtime: Runtime,
  code: string,
  browser: string | null,
  application: string,
): Promise<Admitted | null> {
  const taken = await executor
    .deleteFrom('ostiary.sign_on_code')
    .where('code_hash', '=', secretHash(code))
    .returning(['application', 'kind', 'principal_id', 'provider', 'browser_hash', 'expires_at'])
    .executeTakeFirst();
  const isGood =
    taken !== undefined &&
    taken.application === application &&
    taken.expires_at > runtime.now() &&
    isOf(taken.browser_hash, browser);
  return isGood ? { kind: taken.kind, principalId: taken.principal_id, provider: taken.provider } : null;
}

/**
 * The nonce and the code verifier of a sign-on: made of its state and of the browser's secret, so that nobody has to keep
 * them, and only the browser that began can end it.
 */
export function proofOf(browser: string, state: string): { readonly nonce: string; readonly codeVerifier: string } {
  const derive = (use: string) => createHmac('sha256', browser).update(`${use} ${state}`).digest('base64url');
  return { nonce: derive('nonce'), codeVerifier: derive('verifier') };
}

function isOf(browserHash: Buffer, browser: string | null): boolean {
  return browser !== null && timingSafeEqual(browserHash, secretHash(browser));
}

function later(runtime: Runtime, seconds: number): Date {
  return new Date(runtime.now().getTime() + seconds * 1000);
}
