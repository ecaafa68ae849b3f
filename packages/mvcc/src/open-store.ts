import type { Backend } from '@varve/backend';
import { checkBackend, checkCount, checkNames } from './bytes.ts';
import { BATCH_ROWS } from './compaction.ts';
import { MvccStore } from './mvcc-store.ts';
import { restoreHistory, type RestoreSettings } from './restore.ts';
import type { Store, StoreOptions } from './store.ts';

const MIB = 1024 * 1024;
/** What a timer can wait. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;
/** Some 3 to 8 us each, of which the collector takes half. */
const MOST_DELETES = 20_000;

const optionNames = [
  'durability',
  'cacheBytes',
  'compactionBatchLimit',
  'compactionPauseMs',
  'maxDeletes',
  'restoreChunkLimit',
  'observers',
  'onRestoreProgress',
];

/**
 * Opens the store in a backend and rebuilds the index from its records.
 *
 * The caller keeps the backend and closes it after the store. An unfinished compaction goes on in the background. Over a
 * backend that is open for reading only, every write rejects or throws with `BACKEND_READ_ONLY`.
 * @throws MvccError `MVCC_CORRUPT` when the records contradict each other, naming the revisions
 * @throws RangeError for an option out of range
 */
export async function openStore(backend: Backend, options: StoreOptions = {}): Promise<Store> {
  checkBackend(backend);
  checkNames(options, optionNames);
  const { durability = 'commit', cacheBytes, compactionBatchLimit, compactionPauseMs, restoreChunkLimit } = options;
  const { maxDeletes, onRestoreProgress } = options;
  if (durability !== 'commit' && durability !== 'interval') {
    throw new RangeError("durability must be 'commit' or 'interval'");
  }
  checkCount(cacheBytes, 0, 'cacheBytes');
  checkCount(compactionBatchLimit, 1, 'compactionBatchLimit');
  checkCount(compactionPauseMs, 0, 'compactionPauseMs');
  if (compactionPauseMs !== undefined && compactionPauseMs > LONGEST_PAUSE_MS) {
    throw new RangeError(`compactionPauseMs must be at most ${LONGEST_PAUSE_MS}`);
  }
  checkCount(restoreChunkLimit, 1, 'restoreChunkLimit');
  checkCount(maxDeletes, 1, 'maxDeletes');
  if (onRestoreProgress !== undefined && typeof onRestoreProgress !== 'function') {
    throw new TypeError('onRestoreProgress must be a function');
  }
  const restore: RestoreSettings = {
    chunkLimit: restoreChunkLimit ?? 10_000,
    cacheBytes: cacheBytes ?? 64 * MIB,
    onProgress: onRestoreProgress,
  };
  const history = await restoreHistory(backend, restore);
  return new MvccStore(history, {
    durability,
    maxDeletes: maxDeletes ?? MOST_DELETES,
    restore,
    observers: options.observers ?? [],
    pace: {
      batchLimit: compactionBatchLimit ?? BATCH_ROWS,
      pauseMs: compactionPauseMs,
      awaitsCommits: durability === 'commit',
    },
  });
}
