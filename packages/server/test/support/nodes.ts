import { type Installation, NO_RATES, openDatabase, openInstallation } from '@ostiary/server';
import { createServer, type ServerOptions } from '@ostiary/server/http';
import type { FastifyInstance } from 'fastify';
import { type Clock, clockAt, ISSUER, SECRET_KEY, type TestApplication } from './application.js';

/** Another server on the database of an application. */
export interface Node {
  readonly server: FastifyInstance;
  readonly installation: Installation;
  readonly clock: Clock;
  close(): Promise<void>;
}

/** Opens another server on the same database, with nothing in common but that: its clock may be a few seconds off. */
export async function openNode(
  app: TestApplication,
  options: Partial<Omit<ServerOptions, 'installation'>>,
  secondsOff = 0,
  addRoutes: (server: FastifyInstance) => void = () => {},
): Promise<Node> {
  const clock = clockAt(new Date(app.clock.now().getTime() + secondsOff * 1000));
  const database = openDatabase(app.database.config);
  const installation = await openInstallation({
    database,
    runtime: clock,
    applications: [app.context.application],
    issuer: ISSUER,
    production: false,
    environment: { SECRET_KEY },
    fieldSecrets: async () => [SECRET_KEY],
    demo: true,
  });
  const server = await createServer({ installation, version: '0.0.0-test', rates: NO_RATES, ...options });
  addRoutes(server);
  await server.ready();
  return { server, installation, clock, close: () => server.close().then(() => database.close()) };
}
