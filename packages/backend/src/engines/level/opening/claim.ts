/**
 * One opener of a store within this process.
 *
 * The kernel's lock that LevelDB takes belongs to the process: a second open of the same file succeeds, and closing it
 * drops the lock of the first. LevelDB knows that by path, and by copy of the package; we go by the folder itself, and
 * share one list among all copies of this module (R18, R39).
 */
import { lockedError } from '../failure.ts';

const LIST = Symbol.for('@varve/backend/level: open stores');

interface Shared {
  [LIST]?: Set<string>;
}

/** @returns gives the claim back; further calls do nothing @throws BackendError `BACKEND_LOCKED` */
export function claim(identity: string, path: string): () => void {
  const list = ((globalThis as Shared)[LIST] ??= new Set());
  if (list.has(identity)) throw lockedError(path, undefined, `this process (${process.pid})`);
  list.add(identity);
  let isHeld = true;
  return () => {
    if (isHeld) list.delete(identity);
    isHeld = false;
  };
}
