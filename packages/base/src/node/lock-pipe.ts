/**
 * The lock on Windows: a named pipe, which the system gives to one process and takes back with it.
 *
 * LOC1  Pipes live in one room for the whole machine, so the name is a hash of the folder's path and of the thing held. The
 *     first instance of a pipe is exclusive: there are no leftovers, and no second round.
 * LOC2  Written after the documentation of the system and of libuv; not run by our tests, which have no Windows.
 */
import { createHash } from 'node:crypto';
import { listenAt } from './lock-socket.ts';

export type PipeAnswer = { readonly release: () => void } | 'busy' | { readonly reason: string };

export async function takePipe(folder: string, thing: string): Promise<PipeAnswer> {
  const digest = createHash('sha256').update(`${folder.toLowerCase()}\0${thing}`).digest('hex').slice(0, 40);
  try {
    const server = await listenAt(`\\\\.\\pipe\\varve-${digest}`);
    return { release: () => void server.close() };
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return code === 'EADDRINUSE' || code === 'EACCES' ? 'busy' : { reason: `a named pipe cannot be made (${code})` };
  }
}
