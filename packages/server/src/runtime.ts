import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Time, randomness and ids: passed to whatever needs them, so that tests can hold them still. */
export interface Runtime {
  /** The current time. */
  now(): Date;
  /** A new UUIDv7 (RFC 9562), lower case. */
  id(): string;
  /** `count` bytes from a cryptographically secure source. */
  bytes(count: number): Uint8Array;
}

/** The runtime of a real server. */
export const systemRuntime: Runtime = {
  now: () => new Date(),
  id: () => uuidv7(),
  bytes: (count) => randomBytes(count),
};
