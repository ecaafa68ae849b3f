/**
 * One opener of a thing among the threads of a process, for locks that the system gives to a process as a whole.
 *
 * TL1  On Linux it is a socket with an abstract name that holds the process's own number: the name needs no folder, so it does
 *     not matter under which path a thread sees the thing, and it goes with the process.
 * TL2  Elsewhere, and on runtimes without such names, there is none, and the answer says so.
 */
import type { ThreadAnswer } from '../locks.ts';
import { codeOf } from './lock-folder.ts';
import { listenAt } from './lock-socket.ts';
import { pidSpace } from './pid-space.ts';

/** @param thing what is to be held, in a few characters, such as device and inode */
export async function takeThreadLock(thing: string): Promise<ThreadAnswer> {
  if (process.platform !== 'linux') return 'impossible';
  try {
    const server = await listenAt(`\0varve-${pidSpace()}-${process.pid}-${thing}`);
    return { release: () => void server.close() };
  } catch (error) {
    return codeOf(error) === 'EADDRINUSE' ? 'busy' : 'impossible';
  }
}
