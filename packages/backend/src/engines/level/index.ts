/**
 * `@varve/backend/level`: the engine over LevelDB.
 *
 * LevelDB as `classic-level` bundles it verifies no checksums, skips what it cannot read, and takes a crash in its
 * first open badly. This folder puts around it what a store needs (decisions/0009, R64 to R74).
 */
import { check, checkOptions, isBoolean, isNumber, isPath, type Rule, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { isWorld, type World } from '@varve/base/world';
import type { Engine } from '../../contract/engine.ts';
import { isKnownDriver, loadDriver } from './driver.ts';
import { filesIn } from './files.ts';
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
  /** Clock, randomness and locks, for tests: `@varve/base/world`. The files are LevelDB's own. @default Node's */
  readonly world?: World | undefined;
}

const MIB = 1 << 20;

const isSize: Rule = isNumber(
  'a number of bytes from 1 to 2^32 - 1',
  (bytes) => Number.isSafeInteger(bytes) && bytes >= 1 && bytes < 2 ** 32,
);
const rules: Rules<LevelOptions> = {
  create: isBoolean,
  cacheBytes: isSize,
  writeBufferBytes: isSize,
  verify: isBoolean,
  readOnly: {
    what: 'left out: LevelDB writes to what it opens. A snapshot opens for reading only, as a file',
    isKind: (value) => value === false,
  },
  world: isWorld,
};

/**
 * A folder of LevelDB files, through `classic-level`. An empty folder becomes a store, and so does a path where there
 * is nothing; the folder is for this process alone.
 * @throws BackendError `BACKEND_UNAVAILABLE`, `BACKEND_LOCKED`, `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`,
 * `BACKEND_VERSION`, `BACKEND_READ_ONLY`, `BACKEND_CORRUPT`, `BACKEND_FAILED`
 * @throws TypeError or RangeError for a wrong argument
 */
export async function levelEngine(path: string, options: LevelOptions = {}): Promise<Engine> {
  check(path, 'path', isPath);
  checkOptions(options, rules);
  const { create = true, verify = true, cacheBytes = 8 * MIB, writeBufferBytes = 64 * MIB } = options;
  const settings = {
    create,
    verify,
    cacheBytes,
    writeBufferBytes,
    isKnown: isKnownDriver(),
    longScan: { rows: 1024, bytes: 4 * MIB, bytesToWrite: writeBufferBytes },
  };
  return openLevel(await loadDriver(), filesIn(options.world ?? nodeWorld), path, settings);
}
