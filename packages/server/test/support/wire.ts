import { connect } from 'node:net';

/** What came back over a connection, and whether the server hung up. */
export interface WireAnswer {
  readonly text: string;
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

/** Sends bytes as they are, and reads until the server hangs up, or for so long. */
export async function overTheWire(port: number, bytes: Buffer | string, patience = 1_000): Promise<WireAnswer> {
  const chunks: Buffer[] = [];
  const closed = await new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    const timer = setTimeout(() => {
      resolve(false);
      socket.destroy();
    }, patience);
    socket.on('data', (chunk) => chunks.push(chunk));
    // Whoever hangs up while we still write resets the connection: 'close' follows, and tells it as well.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  const text = Buffer.concat(chunks).toString('latin1');
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  return { text, statuses, closed };
}
