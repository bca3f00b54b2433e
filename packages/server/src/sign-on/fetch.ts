import type { CustomFetch } from 'openid-client';
import { mayBeCalled } from './addresses.js';

/** What a provider answers is a few kilobytes. */
const LARGEST_ANSWER = 262_144;

export interface Limits {
  /** How long one answer may take, with its body. */
  readonly seconds: number;
}

/**
 * Calls a provider: only where that is allowed, following no redirect, for so long, and reading so much.
 * @param configured addresses of the provider that a person has configured
 * @throws TypeError, or the DOMException `TimeoutError`
 */
export function providerFetch(configured: readonly string[], { seconds }: Limits): CustomFetch {
  return async (url, { signal: _, ...options }) => {
    if (!mayBeCalled(url, configured)) throw new TypeError('the provider names an address that is not called');
    const response = await fetch(url, {
      ...(options as RequestInit),
      redirect: 'manual',
      signal: AbortSignal.timeout(seconds * 1000),
    });
    const { status, statusText, headers } = response;
    const body = await readLimited(response);
    // 204 and 304 are refused with a body, even an empty one.
    return new Response(body.length === 0 ? null : body, { status, statusText, headers });
  };
}

async function readLimited(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    // Leaving the loop hangs up.
    if (size > LARGEST_ANSWER) throw new TypeError('the provider answers too much');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
