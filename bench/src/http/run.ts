import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import autocannon from 'autocannon';
import { Disagreement, median, progress } from '../measure.js';
import { number, printTable } from '../table.js';
import type { Served } from './serve.js';

/** Requests on their way at once, and for how long in a round. */
const CONNECTIONS = 16;
const SECONDS = 2;

interface Target {
  readonly name: string;
  readonly url: string;
  readonly body?: object;
}

/** Workload C: one record over HTTP, and one decision. The servers run in a process of their own. */
export async function benchHttp(rounds: number): Promise<void> {
  progress('starting the servers');
  const server = fork(new URL('./serve.js', import.meta.url));
  try {
    const [served] = (await once(server, 'message')) as [Served];
    const token = await logIn(served);
    const all = targets(served);
    await requireAgreement(all, token);
    const rates = await alternate(all, token, rounds, server);
    printTable(
      `C. Over HTTP, ${CONNECTIONS} at once (median of ${rounds} rounds)`,
      ['one record by its id, with a bearer token', 'requests/s', 'share of the bare route', 'CPU of the server, µs'],
      rates.map(({ name, rate, ratio, cpu }) => [name, number(rate), number(ratio), number(cpu)]),
    );
  } finally {
    progress(null);
    server.disconnect();
    await once(server, 'exit');
  }
}

function targets({ ours, bare, user, surveys }: Served): readonly Target[] {
  const id = surveys[7] ?? '';
  return [
    { name: 'bare Fastify route, the token verified each time', url: `${bare}/surveys/${id}` },
    { name: 'bare Fastify route, verified tokens remembered', url: `${bare}/remembered/${id}` },
    { name: 'Ostiary: rights as of now, decided, masked', url: `${ours}/api/surveys/${id}` },
    {
      name: 'Ostiary: a decision, POST /access/v1/evaluation',
      url: `${ours}/access/v1/evaluation`,
      body: {
        subject: { type: 'user', id: user.id },
        action: { name: 'read' },
        resource: { type: 'Survey', id },
      },
    },
  ];
}

async function logIn({ ours, user: { name, password } }: Served): Promise<string> {
  const answer = await fetch(`${ours}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password }),
  });
  const { accessToken } = (await answer.json()) as { readonly accessToken: string };
  return accessToken;
}

async function requireAgreement([bare, remembered, record, decision]: readonly Target[], token: string): Promise<void> {
  const [one, two, three, four] = await Promise.all(
    [bare, remembered, record, decision].map(async (target) => {
      const answer = await fetch(target?.url ?? '', requestOf(target, token));
      return answer.json() as Promise<Readonly<Record<string, unknown>>>;
    }),
  );
  if (!isDeepStrictEqual(one, two)) throw new Disagreement('the two bare routes');
  if (three?.name !== one?.name || three?.ownerId !== one?.owner_id) throw new Disagreement('the record');
  if (four?.decision !== true) throw new Disagreement('the decision');
}

function requestOf(target: Target | undefined, token: string) {
  return {
    method: target?.body ? ('POST' as const) : ('GET' as const),
    headers: {
      authorization: `Bearer ${token}`,
      ...(target?.body ? { 'content-type': 'application/json' } : {}),
    },
    ...(target?.body ? { body: JSON.stringify(target.body) } : {}),
  };
}

async function alternate(all: readonly Target[], token: string, rounds: number, server: ChildProcess) {
  const measured = all.map((): { rate: number; cpu: number }[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    for (const [index, target] of all.entries()) {
      const load = { url: target.url, connections: CONNECTIONS, duration: SECONDS, ...requestOf(target, token) };
      const before = await cpuOf(server);
      const { requests, non2xx, errors } = await autocannon(load);
      const cpu = ((await cpuOf(server)) - before) / requests.total;
      if (non2xx + errors > 0) throw new Disagreement(`${target.name} did not answer ${non2xx + errors} requests`);
      if (round > 0) measured[index]?.push({ rate: requests.average, cpu });
    }
  }
  return all.map(({ name }, index) => {
    const own = measured[index] ?? [];
    return {
      name,
      rate: median(own.map(({ rate }) => rate)),
      ratio: median(own.map(({ rate }, round) => rate / (measured[0]?.[round]?.rate ?? Number.NaN))),
      cpu: median(own.map(({ cpu }) => cpu)),
    };
  });
}

/** Microseconds that the server's process has used. */
async function cpuOf(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [{ user, system }] = (await once(server, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}
