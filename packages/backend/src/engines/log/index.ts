/**
 * `@varve/backend/log`: an engine made for revisions, which are written once, in order, found by place and dropped in bulk.
 *
 * A folder of segments, each a run of frames: a commit is one frame, appended and synced once. `docs/spec/log-file.md` has the
 * format byte by byte. Nothing native, and nothing to install beside.
 */
import { check, checkOptions, isBoolean, isInteger, isPath, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { isWorld, type World } from '@varve/base/world';
import type { Engine } from '../../contract/engine.ts';
import { logFilesOf } from './files/log-files.ts';
import { openLog } from './open/open-log.ts';

export interface LogOptions {
  /** Make the store when there is none. @default true */
  readonly create?: boolean | undefined;
  /**
   * Open for reading only: the store, which must exist and which nobody may have open for writing, is not changed, and a medium that
   * cannot be written is no obstacle. What is shown is the state of this moment, whoever writes later. @default false
   */
  readonly readOnly?: boolean | undefined;
  /**
   * Read and check every byte while opening, at about a second a GiB. Without it each row is checked when it is read.
   * @default false
   */
  readonly verify?: boolean | undefined;
  /** A segment that has grown to so many bytes is closed, and the next one begun. @default 64 MiB */
  readonly segmentBytes?: number | undefined;
  /**
   * Clock, randomness, folders and locks, for tests: `@varve/base/world`. The path is what its folders take it for, and nothing of
   * the real file system is looked at. @default Node's
   */
  readonly world?: World | undefined;
}

const rules: Rules<LogOptions> = {
  create: isBoolean,
  readOnly: isBoolean,
  verify: isBoolean,
  segmentBytes: isInteger(4096, 2 ** 40),
  world: isWorld,
};

/**
 * A folder of log segments. An empty folder becomes a store, and so does a path where there is nothing; the folder is for this process
 * alone, but for those who open it with `readOnly`.
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`, `BACKEND_VERSION`, `BACKEND_READ_ONLY`,
 * `BACKEND_CORRUPT`, `BACKEND_FAILED`
 * @throws TypeError or RangeError for a wrong argument
 */
export async function logEngine(path: string, options: LogOptions = {}): Promise<Engine> {
  check(path, 'path', isPath);
  checkOptions(options, rules);
  const { create = true, readOnly = false, verify = false, segmentBytes = 64 << 20, world = nodeWorld } = options;
  return openLog(logFilesOf(world), path, { create, readOnly, verify, segmentBytes });
}
