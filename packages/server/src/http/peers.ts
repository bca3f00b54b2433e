import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Whether the word of a peer on who calls is taken. */
export type Trust = (address: string | undefined) => boolean;

/**
 * Trust in proxies, by their addresses and ranges (`10.0.0.2`, `172.16.0.0/12`, `fd00::/8`). Whatever is no plain
 * address is trusted by none.
 * @throws TypeError for what is neither an address nor a range, and for one that holds everybody
 */
export function trustIn(proxies: readonly string[]): Trust {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits, ...rest] = proxy.split('/');
    const family = familyOf(address);
    const longest = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : 0;
    if (family === null || prefix < 1 || prefix > longest || rest.length > 0)
      throw new TypeError(`'${proxy}' is no proxy to trust: it is an address such as 10.0.0.2, or 10.0.0.0/8`);
    trusted.addSubnet(address, prefix, family);
  }
  return (address) => {
    const family = familyOf(address ?? '');
    return family !== null && trusted.check(address ?? '', family);
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  return ({ 4: 'ipv4', 6: 'ipv6' } as const)[isIP(address)] ?? null;
}

/**
 * Who calls, as an address to count requests by. Behind trusted proxies, it is the nearest hop that is not one of them,
 * and is an address at all: what a caller writes into the header doesn't matter. Of IPv6 only the first half counts: one
 * caller has all of the other.
 */
export function addressOf(request: FastifyRequest): string {
  const hops = request.ips ?? [request.ip];
  // The last is the farthest; without a socket, as in tests, there is no address at all.
  return networkOf(hops.findLast((hop) => isIP(hop) !== 0) ?? 'unknown');
}

function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const first = head === '' ? [] : head.split(':');
  // `::` stands for as many zeros as are missing; of the tail only what reaches into the first half counts.
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = rest.reduce((count, group) => count + (group.includes('.') ? 2 : 1), 0);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - groups);
  const all = [...first, ...Array.from({ length: zeros }, () => '0'), ...rest];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

/**
 * Whether a request was made on this machine: from the loopback address, to a name of it, and passed on by nobody. A
 * proxy on this machine whose word is taken is somebody else's.
 */
export function isLocal(request: FastifyRequest, trusts: Trust): boolean {
  const { remoteAddress = '' } = request.socket;
  const family = familyOf(remoteAddress);
  return (
    family !== null &&
    LOOPBACK.check(remoteAddress, family) &&
    !trusts(remoteAddress) &&
    FORWARDED.every((name) => request.headers[name] === undefined) &&
    /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(request.headers.host ?? '')
  );
}
