import { send } from './http.js';
import { ServerProcess } from './serving.js';

export interface NodesOptions {
  /** The PostgreSQL that all of them share: an empty database. */
  readonly databaseUrl: string;
  /** How many requests to send after changes of rights, at least. */
  readonly requests: number;
  readonly progress?: (sent: number) => void;
  readonly signal?: AbortSignal;
}

/** A right of one user, that is given and taken in one way. */
interface Right {
  readonly name: string;
  /** Gives or takes it, by a request to one of the servers. */
  readonly set: (url: string, held: boolean) => Promise<void>;
  /** Uses it, and returns the status. */
  readonly use: (url: string) => Promise<number>;
}

const SERVERS = 3;
/** At each server so many ask at once, each so many times, after each change. */
const AT_ONCE = 3;
const TIMES = 6;
const PASSWORD = 'correct horse battery staple 9';
/** With which they encrypt fields, all alike. */
const SECRET = 'a secret for tests of more than 32 characters';
const REFUSED = [401, 403, 404];

/**
 * Gives and takes rights on one of three servers, and uses them on all, from the moment on in which the change was
 * answered. Others use them while they are changed: what those are told does not count, nor may it be remembered.
 * Throws at the first answer by rights that had changed before it was asked for. Returns how many were right.
 */
export async function askNodes({ databaseUrl, requests, progress, signal }: NodesOptions): Promise<number> {
  const environment = { DATABASE_URL: databaseUrl, OSTIARY_SECRET_KEY: SECRET };
  const starting = Array.from({ length: SERVERS }, () => ServerProcess.start([], environment));
  const started = await Promise.allSettled(starting);
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    await Promise.all(starting);
    const urls = servers.map(({ url }) => url);
    const rights = await prepare(urls[0] ?? '');
    let sent = 0;
    for (let change = 0; sent < requests; change += 1) {
      signal?.throwIfAborted();
      const right = rights[change % rights.length] as Right;
      const held = Math.floor(change / rights.length) % 2 === 0;
      const at = change % SERVERS;
      const meanwhile = Promise.all(urls.map((url) => right.use(url)));
      await right.set(urls[at] ?? '', held);
      const asking = urls.flatMap((url, server) =>
        Array.from({ length: AT_ONCE }, async () => {
          for (let time = 0; time < TIMES; time += 1) {
            const status = await right.use(url);
            if (held ? status === 200 : REFUSED.includes(status)) continue;
            const changed = `${right.name} ${held ? 'given' : 'taken'} on server ${at}`;
            throw new Error(
              `${changed}: after that, server ${server} answered ${status}, at request ${sent} or soon after`,
            );
          }
        }),
      );
      await Promise.all([meanwhile, ...asking]);
      sent += asking.length * TIMES;
      progress?.(sent);
    }
    return sent;
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** A user for each way in which rights come and go. None of them is held at first. */
async function prepare(url: string): Promise<readonly Right[]> {
  const admin = await logIn(url, 'admin', 'ostiary-demo');
  const { items } = await ok(url, 'GET', '/api/groups', admin);
  const [group] = items as readonly { readonly id: string }[];
  const tokens = new Map<string, string>();
  const make = async (name: string, values: object): Promise<string> => {
    const names = { username: name, firstName: 'A', lastName: 'User' };
    const { id } = await ok(url, 'POST', '/api/users', admin, { ...names, password: PASSWORD, ...values });
    if (!('disabled' in values)) tokens.set(name, await logIn(url, name, PASSWORD));
    return String(id);
  };
  const use = (name: string, path: string) => async (at: string) => {
    const token = tokens.get(name);
    const answer = await send(at, 'GET', path, token === undefined ? {} : { token });
    return answer?.status ?? 0;
  };
  const byUpdate = async (name: string, path: string, before: object, values: (held: boolean) => object) => {
    const id = await make(name, { ...before, ...values(false) });
    const set = async (at: string, held: boolean) => {
      await ok(at, 'PATCH', `/api/users/${id}`, admin, values(held));
    };
    return { name, set, use: use(name, path) };
  };

  const role = await byUpdate('role', '/api/instruments?limit=1', {}, (held) => ({
    basePermissionLevel: held ? 'STANDARD' : null,
  }));
  const permission = await byUpdate('permission', '/api/groups?limit=1', {}, (held) => ({
    additionalPermissions: held ? [{ action: 'read', resource: 'Group' }] : [],
  }));
  const membership = await byUpdate(
    'membership',
    `/api/groups/${group?.id}`,
    { basePermissionLevel: 'STANDARD' },
    (held) => ({ groupIds: held ? [group?.id] : [] }),
  );
  const account = await byUpdate('account', '/auth/me', {}, (held) => ({ disabled: !held }));
  await make('session', { basePermissionLevel: 'STANDARD' });
  return [
    role,
    permission,
    membership,
    {
      ...account,
      set: async (at, held) => {
        await account.set(at, held);
        if (held) tokens.set(account.name, await logIn(at, account.name, PASSWORD));
      },
    },
    {
      name: 'session',
      set: async (at, held) => {
        if (held) tokens.set('session', await logIn(at, 'session', PASSWORD));
        else await ok(at, 'POST', '/auth/logout', tokens.get('session'));
      },
      use: use('session', '/auth/me'),
    },
  ];
}

async function logIn(url: string, username: string, password: string): Promise<string> {
  return String((await ok(url, 'POST', '/auth/login', undefined, { username, password })).accessToken);
}

async function ok(url: string, method: string, path: string, token?: string, body?: object) {
  const answer = await send(url, method, path, {
    ...(token === undefined ? {} : { token }),
    ...(body ? { body } : {}),
  });
  if (answer !== undefined && answer.status < 300) return answer.body;
  throw new Error(`${method} ${path} was answered with ${answer?.status} ${JSON.stringify(answer?.body)}`);
}
