/**
 * Sockets as signs of life: the kernel answers a call for as long as the process that listens exists, also while that
 * process is stopped or busy, and refuses it from the moment it is gone.
 *
 * LCK1  Nothing is ever said over such a socket: who calls is hung up on.
 * LCK2  It keeps no process alive and is shared with no other one, a worker of a cluster included.
 */
import { connect, createServer, type Server } from 'node:net';

/** `hidden`: it may be alive, we are not let near it. */
export type Sign = 'alive' | 'dead' | 'gone' | 'hidden';

/** What the system says of a socket, by the error of the call. All others: it cannot be told. */
const SIGNS: Readonly<Record<string, Sign>> = {
  ECONNREFUSED: 'dead',
  ENOENT: 'gone',
  ENOTDIR: 'gone',
  EAGAIN: 'alive', // so many have called that it answers none
  ECONNRESET: 'alive',
  EPIPE: 'alive',
};

/** Listens at `path`, or rejects with the system's error. The file there is the caller's to remove. */
export function listenAt(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((caller) => {
      caller.on('error', () => undefined);
      caller.destroy();
    });
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => undefined); // no descriptor for a caller: the kernel has answered
      server.unref();
      resolve(server);
    });
  });
}

export function signOf(path: string): Promise<Sign> {
  return new Promise((resolve) => {
    const call = connect({ path });
    call.once('connect', () => {
      call.destroy();
      resolve('alive');
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      call.destroy();
      resolve(SIGNS[error.code ?? ''] ?? 'hidden');
    });
  });
}
