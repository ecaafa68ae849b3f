/**
 * `@varve/backend/file`: the engine over one BoltDB file, with etcd's buckets in it.
 *
 * What etcd wrote opens here with all its history, and what is written here passes etcd's own tools (decisions/0015).
 */
import { check, checkOptions, isBoolean, isInteger, isNumber, isPath, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { isWorld, type World } from '@varve/base/world';
import type { Engine } from '../../contract/engine.ts';
import { openFile } from './open-file.ts';

export interface FileOptions {
  /** Make the store when there is none. @default true */
  readonly create?: boolean | undefined;
  /**
   * Open for reading only: the file, which must exist, is not changed, nothing is made beside it, and a file system that
   * cannot be written is no obstacle. Any number of readers may have it at once, while no writer has. What
   * would write is refused with `BACKEND_READ_ONLY`. @default false
   */
  readonly readOnly?: boolean | undefined;
  /** Bytes of pages that are kept in memory. @default 64 MiB */
  readonly cacheBytes?: number | undefined;
  /** How long to wait for a lock that somebody else holds, in milliseconds. @default 0 */
  readonly lockTimeoutMs?: number | undefined;
  /**
   * Clock, randomness and files, for tests: `@varve/base/world`. The path is what its files take it for, and nothing of the real
   * file system is looked at. @default Node's
   */
  readonly world?: World | undefined;
}

const rules: Rules<FileOptions> = {
  create: isBoolean,
  readOnly: isBoolean,
  cacheBytes: isInteger(0),
  lockTimeoutMs: isNumber('a number of milliseconds from 0', (ms) => ms >= 0),
  world: isWorld,
};

/**
 * One BoltDB file, readable by etcd and bbolt. A path where there is nothing becomes a store, and missing folders above
 * it are made; so does an empty file, with a warning. Links are followed once, here: the file behind them is what is made,
 * locked and replaced. `compact` refuses with `BACKEND_NOT_REPLACEABLE` where hard links or a mount stand against it.
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`, `BACKEND_VERSION`, `BACKEND_READ_ONLY`,
 * `BACKEND_UNREADABLE`, `BACKEND_CORRUPT`, `BACKEND_FAILED`
 * @throws TypeError or RangeError for a wrong argument
 */
export async function fileEngine(path: string, options: FileOptions = {}): Promise<Engine> {
  check(path, 'path', isPath);
  checkOptions(options, rules);
  const { create = true, readOnly = false, cacheBytes = 64 * (1 << 20), lockTimeoutMs = 0 } = options;
  const { world = nodeWorld } = options;
  return openFile(path, { create, readOnly, cacheBytes, lockTimeoutMs, world });
}
