import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, BlockList, createServer, isIPv6 } from 'node:net';
import { Failure } from '../failure.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach what listens on a host. */
export async function isLoopback(host: string): Promise<boolean> {
  const addresses = await lookup(host, { all: true }).catch((cause: unknown) => {
    throw new Failure('usage', `--host ${host}: there is no such address.`, { cause });
  });
  return addresses.every(({ address, family }) => LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4'));
}

/** Finds out that a port can be had before anything is started for it. Port 0 becomes one that is free. */
export async function requirePort(host: string, port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen({ host, port, exclusive: true });
    await once(probe, 'listening');
    return (probe.address() as AddressInfo).port;
  } catch (error) {
    throw portFailure(error, host, port);
  } finally {
    if (probe.listening) {
      probe.close();
      await once(probe, 'close');
    }
  }
}

/** Puts into words why a port could not be had. */
export function portFailure(error: unknown, host: string, port: number): unknown {
  const { code } = error as { readonly code?: unknown };
  switch (code) {
    case 'EADDRINUSE':
      return new Failure(
        'port_in_use',
        `Port ${port} of ${host} is in use. Stop what listens there, or take another one: --port ${port + 1}.`,
        { cause: error },
      );
    case 'EACCES':
      return new Failure('port_in_use', `Port ${port} may not be used by this user. Take another one, above 1023.`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new Failure('usage', `--host ${host}: this machine does not have that address.`, { cause: error });
    default:
      return error;
  }
}

/** The address as it is typed into a browser on this machine. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
