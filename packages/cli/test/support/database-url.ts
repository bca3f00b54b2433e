import type { PoolConfig } from 'pg';

/** The address of a database that is reached through a socket, as DATABASE_URL gives it. */
export function databaseUrl({ user = '', password, host = '', port, database }: PoolConfig): string {
  const secret = typeof password === 'string' && password !== '' ? `:${encodeURIComponent(password)}` : '';
  return `postgres://${encodeURIComponent(user)}${secret}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}
