import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Addresses that lead into this machine or its network, as RFC 6890 lists them. */
const INTERNAL = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  INTERNAL.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  INTERNAL.addSubnet(network, bits, 'ipv6');

/** Names of this machine (RFC 6761 §6.3); a dot at the end only says that a name is whole. */
const LOCAL_NAME = /(?:^|\.)localhost\.?$/;

function isIn(list: BlockList, host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '');
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a host is this machine, by its name or number. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isIn(LOOPBACK, host);
}

/** Whether an address may be used at all: https, or http on this machine, and no user or password in it. */
export function isUsable(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password, hash } = new URL(address);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
  return isSafe && username === '' && password === '' && hash === '';
}

/**
 * Whether an address that a provider named may be called, where the provider itself is at `configured`. The host that was
 * configured may be anywhere; any other has to be reached by https, and may not be a number or name inside the network.
 */
export function mayBeCalled(address: string, configured: readonly string[]): boolean {
  if (!isUsable(address)) return false;
  const { hostname } = new URL(address);
  if (configured.some((one) => new URL(one).hostname === hostname)) return true;
  return !LOCAL_NAME.test(hostname) && !isIn(INTERNAL, hostname);
}
