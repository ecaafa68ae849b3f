/**
 * `@varve/backend/level`: the engine over LevelDB.
 *
 * LevelDB as `classic-level` bundles it verifies no checksums, skips what it cannot read, and takes a crash in its
 * first open badly. This folder puts around it what a store needs (decisions/0009, R64 to R74).
 */
import { checkNames } from '../../check-options.ts';
import type { Engine } from '../../contract/engine.ts';
import { isKnownDriver, loadDriver } from './driver.ts';
import { nodeFiles } from './files.ts';
import { openLevel } from './opening/open-level.ts';

export interface LevelOptions {
  /** Make the store when there is none. @default true */
  readonly create?: boolean | undefined;
  /** LevelDB's block cache in bytes. @default 8 MiB */
  readonly cacheBytes?: number | undefined;
  /** LevelDB's write buffer in bytes: about as much again is in memory and in the log. @default 64 MiB */
  readonly writeBufferBytes?: number | undefined;
  /**
   * Check every block of every table while opening, at about one second per GiB. Without the check some damage makes LevelDB
   * hide rows, answer a point read with an older value than a scan does, or end the process; with it that is `BACKEND_CORRUPT`.
   * @default true
   */
  readonly verify?: boolean | undefined;
  /**
   * LevelDB has no such mode: it replaces files of a folder whenever it opens it, and takes a lock that no second process
   * can share. `true` is a TypeError. To read a store beside its writer, or from a medium that
   * cannot be written, take a `snapshot()` and open that with `fileEngine(path, { readOnly: true })`.
   */
  readonly readOnly?: false | undefined;
}

const optionNames = ['create', 'cacheBytes', 'writeBufferBytes', 'verify', 'readOnly'];

const MIB = 1 << 20;

/**
 * A folder of LevelDB files, through `classic-level`. An empty folder becomes a store, and so does a path where there
 * is nothing; the folder is for this process alone.
 * @throws BackendError `BACKEND_UNAVAILABLE`, `BACKEND_LOCKED`, `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`,
 * `BACKEND_VERSION`, `BACKEND_READ_ONLY`, `BACKEND_CORRUPT`, `BACKEND_FAILED`
 * @throws TypeError or RangeError for a wrong argument
 */
export async function levelEngine(path: string, options: LevelOptions = {}): Promise<Engine> {
  if (typeof path !== 'string') throw new TypeError('path must be a string');
  if (path === '' || path.includes('\0')) throw new RangeError('path must not be empty or contain a zero byte');
  checkNames(options, optionNames);
  const readOnly: unknown = options.readOnly;
  if (readOnly !== undefined && readOnly !== false) {
    throw new TypeError(
      'readOnly: LevelDB cannot open a folder without writing to it; take a snapshot, and open that with fileEngine',
    );
  }
  const writeBufferBytes = checkedSize(options.writeBufferBytes, 64 * MIB, 'writeBufferBytes');
  const settings = {
    create: checkedBoolean(options.create, true, 'create'),
    verify: checkedBoolean(options.verify, true, 'verify'),
    cacheBytes: checkedSize(options.cacheBytes, 8 * MIB, 'cacheBytes'),
    writeBufferBytes,
    isKnown: isKnownDriver(),
    longScan: { rows: 1024, bytes: 4 * MIB, bytesToWrite: writeBufferBytes },
  };
  return openLevel(await loadDriver(), nodeFiles, path, settings);
}

function checkedBoolean(value: boolean | undefined, absent: boolean, name: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean`);
  return value ?? absent;
}

function checkedSize(value: number | undefined, absent: number, name: string): number {
  if (value === undefined) return absent;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isSafeInteger(value) || value < 1 || value >= 2 ** 32) {
    throw new RangeError(`${name} must be a number of bytes from 1 to 2^32 - 1`);
  }
  return value;
}
