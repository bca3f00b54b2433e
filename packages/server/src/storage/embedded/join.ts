import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { EmbeddedCluster } from './cluster.js';
import { EmbeddedError, ignoring } from './error.js';
import { clustersIn, findHome } from './home.js';
import { DATABASE, ROLE } from './initialise.js';

const PATIENCE = 10_000;

/**
 * Connects to the PostgreSQL that another process runs on the data folder, for work beside a server that is running.
 * It ends when that process ends; `stop` leaves it as it is.
 * Throws EmbeddedError `in_use` when it does not answer: the other process is starting or stopping.
 */
export async function joinEmbedded(folder: string): Promise<EmbeddedCluster> {
  const home = await findHome(folder, () => {});
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const [name] = await clustersIn(home.path);
    const where = join(home.path, name ?? '');
    const connection = name === undefined ? undefined : await connectionTo(where);
    if (connection !== undefined && (await answers(connection))) {
      return { connection, where, lost: new Promise(() => {}), stop: async () => {} };
    }
    if (Date.now() > deadline) {
      throw new EmbeddedError(
        'in_use',
        `Another process uses the data folder ${home.path}, and its database does not answer. Try again in a moment.`,
      );
    }
    await delay(100);
  }
}

/** A running PostgreSQL keeps in a file where it can be reached: its port, and the folder of its socket. */
async function connectionTo(cluster: string): Promise<EmbeddedCluster['connection'] | undefined> {
  const text = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(ignoring('ENOENT'))) ?? '';
  const [, , , port, host, , , state] = text.split('\n');
  if (host === undefined || state?.trim() !== 'ready') return undefined;
  return { host, port: Number(port), user: ROLE, database: DATABASE };
}

async function answers(connection: EmbeddedCluster['connection']): Promise<boolean> {
  const client = new pg.Client({ ...connection, ssl: false, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
