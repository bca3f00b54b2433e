const TOO_LONG = 60_000;

/** An answer; undefined where the connection broke. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isProblem: boolean;
}

/** Sends a request, and waits a minute at most. Throws if it takes longer. */
export async function send(
  url: string,
  method: string,
  path: string,
  { token, body, version }: { readonly token?: string; readonly body?: object; readonly version?: number } = {},
): Promise<Answer | undefined> {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
  };
  const signal = AbortSignal.timeout(TOO_LONG);
  try {
    const sent = { method, headers, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(`${url}${path}`, sent);
    const text = await answer.text();
    const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text), isProblem };
  } catch (error) {
    if (signal.aborted) throw new Error(`${method} ${path} was not answered in ${TOO_LONG} ms`, { cause: error });
    return undefined;
  }
}
