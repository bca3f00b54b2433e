import type { AddressInfo } from 'node:net';
import { DEMO_PASSWORD, inTransaction, openInstallation, parseRates, System, systemRuntime } from '@ostiary/server';
import { createServer } from '@ostiary/server/http';
import { openScratch } from '../scratch.js';
import { surveyApplication } from '../surveys/application.js';
import { bareServer } from './bare.js';

/** What the other side of the benchmark needs to know of the servers in this process. */
export interface Served {
  readonly ours: string;
  readonly bare: string;
  readonly user: { readonly id: string; readonly name: string; readonly password: string };
  readonly surveys: readonly string[];
}

const SURVEYS = 1_000;

const scratch = await openScratch();
const database = await scratch.database('http');
const installation = await openInstallation({
  database,
  runtime: systemRuntime,
  applications: [surveyApplication],
  production: false,
  environment: {},
  demo: false,
});
const context = installation.contexts.get('surveys');
if (context === undefined) throw new TypeError('the application was not opened');
const user = { name: 'reader', password: DEMO_PASSWORD };
const made = await inTransaction(context, async (transaction) => {
  const system = new System(context, transaction);
  const id = await system.create('User', user);
  const organisationId = await system.create('Organisation', { name: 'organisation' });
  const teamId = await system.create('Team', { name: 'team', organisationId });
  await system.create('TeamMember', { teamId, userId: id, role: 'viewer' });
  const owner = await system.create('User', { name: 'owner' });
  const surveys: string[] = [];
  for (let number = 0; number < SURVEYS; number += 1) {
    surveys.push(await system.create('Survey', { name: `survey ${number}`, ownerId: owner, organisationId, teamId }));
  }
  return { id, surveys };
});

// Requests are counted as ever, but none is refused: one caller sends more here than one caller may.
const rates = parseRates('read=1000000000,write=1000000000,decisions=1000000000');
const ours = await createServer({ installation, version: 'bench', rates });
await ours.listen({ host: '127.0.0.1', port: 0 });
const bare = bareServer(database, { keys: [...(await installation.keys.jwks()).keys] });
await bare.listen({ host: '127.0.0.1', port: 0 });
const urlOf = (server: { readonly server: { address(): unknown } }) =>
  `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
const served: Served = {
  ours: `${urlOf(ours)}/surveys`,
  bare: urlOf(bare),
  user: { ...user, id: made.id },
  surveys: made.surveys,
};
process.send?.(served);
/** Whatever else the machine does, a process knows what it used itself. */
process.on('message', () => process.send?.(process.cpuUsage()));
process.once('disconnect', async () => {
  await ours.close();
  await bare.close();
  await scratch.close();
  process.exit();
});
