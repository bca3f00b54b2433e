import type { Context } from '../application/context.js';
import type { SignOnSettings } from '../application/sign-on.js';
import { writeAudit } from '../audit/trail.js';
import { type LoginResult, loginElsewhere } from '../identity/index.js';
import { randomSecret } from '../keys/index.js';
import { Problem } from '../problems.js';
import { accountOf } from './account.js';
import type { SignOnClient } from './client.js';
import { personOf } from './person.js';
import type { Provider, ProviderSource } from './provider.js';
import { REASONS, type Reason, SignOnRefusal } from './refusal.js';
import { type Admitted, makeCode, proofOf, rememberState, takeCode, takeState } from './state.js';

/** The sign-on of one application. */
export interface SignOn {
  readonly context: Context;
  readonly settings: SignOnSettings;
  readonly providers: ProviderSource;
  readonly client: SignOnClient;
  /** The address of the application, as people and providers know it. */
  readonly base: string;
}

/** Why it ended, with where the page of this browser waits; null where that is not known. */
export class SignOnFailure extends Problem {
  constructor(
    readonly reason: Reason,
    readonly returnTo: string | null,
  ) {
    super(REASONS[reason].code, { detail: REASONS[reason].detail });
    this.name = 'SignOnFailure';
  }
}

/** Where a provider sends the browser back to: one address for each, so that answers can't be mixed up (RFC 9700 §4.4). */
export function redirectUriOf({ base }: Pick<SignOn, 'base'>, provider: string): string {
  return `${base}/auth/sign-on/${provider}/callback`;
}

/** The providers that people may log in with. */
export async function loginProviders({ providers }: Pick<SignOn, 'providers'>): Promise<readonly Provider[]> {
  return (await providers.list()).filter(({ login }) => login);
}

async function requireProvider(signOn: SignOn, name: string): Promise<Provider> {
  const found = (await loginProviders(signOn)).find((provider) => provider.name === name);
  if (found === undefined) throw new Problem('not_found');
  return found;
}

interface Asked {
  readonly provider: string;
  /** The secret of the browser that asks; null where it has none. */
  readonly browser: string | null;
  readonly requestId: string;
}

/**
 * Begins: remembers the browser, and answers the address of the provider to send it to.
 * @throws Problem `not_found`; SignOnFailure where the provider can't be spoken with
 */
export async function begin(
  signOn: SignOn,
  asked: Asked & { readonly browser: string; readonly returnTo: string | null },
): Promise<URL> {
  const { context, client } = signOn;
  const { browser, returnTo } = asked;
  const provider = await requireProvider(signOn, asked.provider);
  const state = randomSecret(context.runtime);
  const proof = { redirectUri: redirectUriOf(signOn, provider.name), state, ...proofOf(browser, state) };
  const url = await client
    .authorizationUrl(provider, proof)
    .catch((cause: unknown) => refuse(signOn, asked, new SignOnRefusal('answer', { cause }), returnTo));
  const begun = { application: context.policy.model.name, provider: provider.name, returnTo };
  await rememberState(context.database.db, context.runtime, state, browser, begun);
  return url;
}

/** Who may come in, where their page waits, and with which provider they came. */
export interface Finished {
  readonly admitted: Admitted;
  readonly returnTo: string | null;
}

/**
 * Ends: holds the provider's answer against what was begun in this browser, and finds whose account it is.
 * @param query everything behind the question mark, as it came
 * @throws Problem `not_found`; SignOnFailure, and then nobody is let in
 */
export async function finish(signOn: SignOn, asked: Asked & { readonly query: string }): Promise<Finished> {
  const { context, client, settings } = signOn;
  const { browser, requestId } = asked;
  const provider = await requireProvider(signOn, asked.provider);
  const redirectUri = redirectUriOf(signOn, provider.name);
  const answer = new URL(`${redirectUri}?${asked.query}`);
  const states = answer.searchParams.getAll('state');
  const [state = ''] = states.length === 1 ? states : [];
  const at = { application: context.policy.model.name, provider: provider.name };
  const begun = await takeState(context.database.db, context.runtime, state, browser, at);
  if (begun === null || browser === null) return refuse(signOn, asked, new SignOnRefusal('state'), null);
  try {
    const { issuer, told } = await client
      .redeem(provider, answer, { redirectUri, state, ...proofOf(browser, state) })
      .catch((cause: unknown) => {
        throw new SignOnRefusal(isDenial(cause) ? 'denied' : 'answer', { cause });
      });
    const found = await accountOf(context, settings, provider, readPerson(provider, issuer, told), requestId);
    return { admitted: { ...found, provider: provider.name }, returnTo: begun.returnTo };
  } catch (error) {
    if (!(error instanceof SignOnRefusal)) throw error;
    return refuse(signOn, asked, error, begun.returnTo);
  }
}

function readPerson(...told: Parameters<typeof personOf>) {
  try {
    return personOf(...told);
  } catch (cause) {
    throw new SignOnRefusal('answer', { cause });
  }
}

/** Makes a code for the page of a browser that is let in. */
export async function admit({ context }: SignOn, { admitted }: Finished, browser: string): Promise<string> {
  return makeCode(context.database.db, context.runtime, browser, context.policy.model.name, admitted);
}

/**
 * Redeems the code of a page: the session and the token that logging in with a password gives.
 * @throws SignOnFailure; Problem `account_disabled`
 */
export async function redeemCode(
  signOn: SignOn,
  asked: Omit<Asked, 'provider'> & { readonly code: string },
): Promise<LoginResult> {
  const { context } = signOn;
  const { name } = context.policy.model;
  const admitted = await takeCode(context.database.db, context.runtime, asked.code, asked.browser, name);
  if (admitted === null) return refuse(signOn, { ...asked, provider: null }, new SignOnRefusal('code'), null);
  return openSession(signOn, admitted, asked.requestId);
}

/** Opens the session of somebody who is let in. */
export function openSession({ context }: SignOn, admitted: Admitted, requestId: string): Promise<LoginResult> {
  return loginElsewhere(context.identity, {
    application: context.policy.model.name,
    kind: admitted.kind,
    principalId: admitted.principalId,
    by: { provider: admitted.provider },
    requestId,
  });
}

async function refuse(
  { context }: SignOn,
  { provider, requestId }: { readonly provider: string | null; readonly requestId: string },
  { reason, login, cause }: SignOnRefusal,
  returnTo: string | null,
): Promise<never> {
  context.identity.logins.count(reason === 'disabled' ? 'disabled' : 'failed');
  await writeAudit(context.database.db, context.runtime, {
    application: context.policy.model.name,
    event: 'sign_on.refused',
    outcome: 'refused',
    requestId,
    ...(login === undefined ? {} : { login }),
    detail: { ...(provider === null ? {} : { provider }), reason, ...causeOf(cause) },
  });
  throw new SignOnFailure(reason, returnTo);
}

/** What the library calls it: a word of its own, which repeats nothing of what came. */
function causeOf(cause: unknown): { readonly cause?: string } {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code) ? { cause: code } : {};
}

/** RFC 6749 §4.1.2.1: the provider's own answer that the person, or it, does not want to. */
function isDenial(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AuthorizationResponseError';
}
