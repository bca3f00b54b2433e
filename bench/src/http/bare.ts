import { hash } from 'node:crypto';
import type { Database } from '@ostiary/server';
import fastify, { type FastifyInstance } from 'fastify';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';

const SELECT = `select id, created_at, updated_at, version, name, owner_id, organisation_id, team_id
  from surveys.survey where id = $1`;

/**
 * What a route costs without any access control: it verifies the same token and reads the same row with the same driver.
 * At `/remembered` it verifies each token once, as ours does.
 */
export function bareServer(database: Database, keys: JSONWebKeySet): FastifyInstance {
  const server = fastify({ logger: false });
  const keySet = createLocalJWKSet(keys);
  const remembered = new Map<string, number>();
  const verify = async (token: string) => (await jwtVerify(token, keySet, { algorithms: ['ES256'] })).payload;
  const read = async (id: string) => (await database.pool.query({ name: 'bare', text: SELECT, values: [id] })).rows[0];
  const token = (header = '') => header.slice('Bearer '.length);

  server.get<{ Params: { id: string } }>('/surveys/:id', async (request) => {
    await verify(token(request.headers.authorization));
    return read(request.params.id);
  });
  server.get<{ Params: { id: string } }>('/remembered/:id', async (request) => {
    const sent = token(request.headers.authorization);
    const key = hash('sha256', sent, 'base64url');
    if ((remembered.get(key) ?? 0) * 1000 < Date.now()) remembered.set(key, (await verify(sent)).exp ?? 0);
    return read(request.params.id);
  });
  return server;
}
