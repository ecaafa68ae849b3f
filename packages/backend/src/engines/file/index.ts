/**
 * `@varve/backend/file`: the engine over one BoltDB file, with etcd's buckets in it.
 *
 * What etcd wrote opens here with all its history, and what is written here passes etcd's own tools (decisions/0015).
 */
import type { Storage } from '@varve/bolt';
import type { Engine } from '../../contract/engine.ts';
import { checkBoolean, checkNames, checkPath } from '../../check-options.ts';
import { openFile, openFileOn, type OpenFileOptions } from './open-file.ts';

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
}

const optionNames: readonly string[] = ['create', 'readOnly', 'cacheBytes', 'lockTimeoutMs'];

/**
 * One BoltDB file, readable by etcd and bbolt. A path where there is nothing becomes a store, and missing folders above
 * it are made; so does an empty file, with a warning. Links are followed once, here: the file behind them is what is made,
 * locked and replaced. `compact` refuses with `BACKEND_NOT_REPLACEABLE` where hard links or a mount stand against it.
 * @throws BackendError `BACKEND_LOCKED`, `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`, `BACKEND_VERSION`, `BACKEND_READ_ONLY`,
 * `BACKEND_UNREADABLE`, `BACKEND_CORRUPT`, `BACKEND_FAILED`
 * @throws TypeError or RangeError for a wrong argument
 */
export async function fileEngine(path: string, options: FileOptions = {}): Promise<Engine> {
  return openFile(path, checked(path, options));
}

/**
 * The same on another storage, as `openBoltOn` of `@varve/bolt`: for tests with a disk that loses, tears and fails. The path is
 * what the storage takes it for; no folder is made, and nothing of the real file system is looked at.
 */
export async function fileEngineOn(storage: Storage, path: string, options: FileOptions = {}): Promise<Engine> {
  return openFileOn(storage, path, checked(path, options));
}

function checked(path: string, options: FileOptions): OpenFileOptions {
  checkPath(path);
  checkNames(options, optionNames);
  const { create = true, readOnly = false, cacheBytes = 64 * (1 << 20), lockTimeoutMs = 0 } = options;
  checkBoolean(create, 'create');
  checkBoolean(readOnly, 'readOnly');
  if (typeof cacheBytes !== 'number') throw new TypeError('cacheBytes must be a number');
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0) throw new RangeError('cacheBytes must be a number of bytes');
  if (typeof lockTimeoutMs !== 'number') throw new TypeError('lockTimeoutMs must be a number');
  if (!(lockTimeoutMs >= 0)) throw new RangeError('lockTimeoutMs must be a number of milliseconds from 0');
  return { create, readOnly, cacheBytes, lockTimeoutMs };
}
