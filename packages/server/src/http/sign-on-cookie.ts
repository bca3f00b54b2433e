import type { FastifyReply, FastifyRequest } from 'fastify';
import { browserSecret } from '../sign-on/index.js';

/** Somewhat longer than a sign-on may take. */
const SECONDS = 900;

/**
 * The cookie that tells one browser from another during a sign-on. Its name is such that no other host, path or unsafe
 * page can have set it (RFC 6265bis §4.1.3.2); only on this machine itself, without TLS, that can't be had.
 */
export class SignOnCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor(isSecure: boolean) {
    this.#name = isSecure ? '__Host-ostiary-sign-on' : 'ostiary-sign-on';
    // Lax: it has to come along when the provider sends the browser back.
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }

  /** The secret of the browser that sent a request; null where it has none, or several. */
  read(request: FastifyRequest): string | null {
    const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
    const values = pairs.filter(([name]) => name === this.#name).map(([, value]) => value);
    return values.length === 1 ? browserSecret(values[0]) : null;
  }

  write(reply: FastifyReply, secret: string): void {
    reply.header('set-cookie', `${this.#name}=${secret}${this.#attributes}; Max-Age=${SECONDS}`);
  }

  clear(reply: FastifyReply): void {
    reply.header('set-cookie', `${this.#name}=${this.#attributes}; Max-Age=0`);
  }
}
