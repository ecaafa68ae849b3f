/**
 * What this engine asks of the world, made of it here and nowhere else: folders with their files, turns, chance, the store's lock.
 *
 * LGW1  The lock is the one that all stores in folders have (`level/opening/hold.ts`, decisions/0013); who only reads asks for it, and
 *     takes and changes nothing.
 */
import { dirname, join } from 'node:path';
import type { Clock } from '@varve/base/clock';
import type { FolderFile, Folders } from '@varve/base/folders';
import { lockFolderBeside } from '@varve/base/node/store-lock';
import type { Turns } from '@varve/base/pace';
import type { World } from '@varve/base/world';
import { hold, LOCK_FOLDER } from '../../level/opening/hold.ts';

export type LogFile = FolderFile;

/** The lock of a store, held. */
export interface Held {
  /** Gives it back; further calls do nothing. */
  readonly release: () => void;
}

export interface LogFiles extends Folders {
  readonly clock: Turns & Pick<Clock, 'after'>;
  /** Takes the store's lock. @throws BackendError `BACKEND_LOCKED` */
  hold(path: string): Promise<Held>;
  /** Who holds it, for who only reads. */
  holder(path: string): Promise<string | undefined>;
  /** Bytes that nobody can foretell. */
  random(length: number): Uint8Array;
}

/** @throws TypeError for a world without folders */
export function logFilesOf({ clock, folders, locks, random }: World): LogFiles {
  if (folders === undefined) throw new TypeError('options.world must have folders for this engine');
  const identity = async (path: string): Promise<string> => {
    const found = folders.identityNow(path);
    if (found === undefined) throw Object.assign(new Error(`there is nothing at ${path}`), { code: 'ENOENT' });
    return found;
  };
  return {
    ...folders,
    clock,
    hold: (path) => hold({ identity, rights: (folder) => folders.rights(folder), locks }, path),
    async holder(path) {
      const rights = await folders.rights(path);
      for (const folder of [lockFolderBeside(path), join(path, LOCK_FOLDER)]) {
        if (dirname(folder) !== path && dirname(folder) !== dirname(path)) continue;
        const found = await locks.findHolder({ folder, thing: 0n, rights });
        if (found?.kind === 'busy') return found.holder;
      }
      return undefined;
    },
    random: random.bytes,
  };
}

/** Writes all of it, however short single writes are. */
export async function writeAll(file: LogFile, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = buffers;
  let at = position;
  for (;;) {
    let written = await file.write(rest, at);
    if (written <= 0) throw Object.assign(new Error('a write of 0 bytes'), { code: 'EIO' });
    at += written;
    let whole = 0;
    while (whole < rest.length && written >= rest[whole]!.length) {
      written -= rest[whole]!.length;
      whole += 1;
    }
    if (whole === rest.length) return;
    rest = [rest[whole]!.subarray(written), ...rest.slice(whole + 1)];
  }
}

/** `code` of a system error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
