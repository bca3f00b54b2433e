// Changes rights on one of three servers that share a PostgreSQL, and uses them on all, at once:
//   node scripts/nodes.mjs [--requests 10000]
// Exits with 1 at the first answer by rights that had changed before it was asked for.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { build, ROOT } from './prepare.mjs';

const { values } = parseArgs({ options: { requests: { type: 'string', default: '10000' } } });
const requests = Number(values.requests);
if (!build()) process.exit(1);
const from = async (file) => (await runnerImport(`${ROOT}packages/cli/test/support/${file}`, { root: ROOT })).module;
const [{ askNodes }, { databaseUrl }] = [await from('nodes.ts'), await from('database-url.ts')];
const { startEmbedded } = await import('../packages/server/dist/index.js');

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort());

const begun = performance.now();
const seconds = () => Math.round((performance.now() - begun) / 1000);
let told = begun;
function progress(sent) {
  if (performance.now() - told < 5_000) return;
  told = performance.now();
  console.error(`${String(sent).padStart(9)} of ${requests}, ${seconds()} s`);
}

const folder = mkdtempSync(join(tmpdir(), 'ostiary-nodes-'));
chmodSync(folder, 0o755);
const cluster = await startEmbedded({ folder, settings: { max_connections: '200' } });
try {
  const sent = await askNodes({
    databaseUrl: databaseUrl(cluster.connection),
    requests,
    progress,
    signal: interrupt.signal,
  });
  console.log(`${sent} requests to three servers, each right by the rights that held then (${seconds()} s)`);
} catch (error) {
  console.error(interrupt.signal.aborted ? 'Interrupted.' : error.message);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
