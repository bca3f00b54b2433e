import type { TestAnswer, TestApplication } from './application.js';

/** The address at which the tests' installation says that it is. */
export const PUBLIC = 'https://ostiary.example';
export const PAGE = 'https://ostiary.example/signed-in';
const HTML = 'text/html,application/xhtml+xml';

/** A browser that signs on: it keeps its cookie, and shows where it is sent. */
export class Browser {
  cookie: string | undefined;

  constructor(readonly app: Pick<TestApplication, 'name' | 'request'>) {}

  /** Asks Ostiary, below the application's address. */
  async get(url: string, accept = HTML): Promise<TestAnswer> {
    const answer = await this.app.request({ url, headers: this.#headers(accept) });
    this.#keep(answer);
    return answer;
  }

  async post(url: string, body: unknown): Promise<TestAnswer> {
    const answer = await this.app.request({ url, method: 'POST', body, headers: this.#headers('application/json') });
    this.#keep(answer);
    return answer;
  }

  /** Begins, and tells where the provider is to be asked. */
  async start(provider: string, query = ''): Promise<URL> {
    const answer = await this.get(`/auth/sign-on/${provider}${query}`);
    if (answer.status !== 303) throw new Error(`the sign-on did not begin: ${answer.status} ${answer.text}`);
    return new URL(answer.headers.location ?? '');
  }

  /** Comes back from a provider, at the address that it gave. */
  back(address: URL, accept = HTML): Promise<TestAnswer> {
    return this.get(`${address.pathname}${address.search}`.replace(`/${this.app.name}`, ''), accept);
  }

  /** The code behind the # of where it was sent. */
  codeOf(answer: TestAnswer): string {
    return new URLSearchParams(new URL(answer.headers.location ?? PAGE).hash.slice(1)).get('code') ?? '';
  }

  #headers(accept: string): Record<string, string> {
    return { accept, ...(this.cookie === undefined ? {} : { cookie: this.cookie }) };
  }

  #keep({ headers }: TestAnswer): void {
    const [pair] = (headers['set-cookie'] ?? '').split(';');
    if (pair !== '' && pair !== undefined) this.cookie = pair.endsWith('=') ? undefined : pair;
  }
}
