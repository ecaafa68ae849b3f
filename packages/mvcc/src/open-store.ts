/** How a store begins: options checked, history rebuilt from the records, then the store over it. */
import type { Backend } from '@varve/backend';
import { checkOptions, isBoolean, isFunction, isInteger, isOneOf, type Rules } from '@varve/base/options';
import { hostWorld } from '@varve/base/host';
import { isWorld } from '@varve/base/world';
import { checkBackend } from './check-backend.ts';
import { BATCH_ROWS } from './compaction-pace.ts';
import { loadParts } from './late.ts';
import { MvccStore } from './mvcc-store.ts';
import { restoreHistory, type RestoreSettings } from './restore.ts';
import type { Store, StoreOptions } from './store.ts';

const MIB = 1024 * 1024;
/** What a timer can wait. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;
/** Some 3 to 8 us each, of which the collector takes half. */
const MOST_DELETES = 20_000;
/** Read again in some three seconds. */
const CHECKPOINT_EVERY = 1_000_000;

const rules: Rules<StoreOptions> = {
  durability: isOneOf('commit', 'interval'),
  cacheBytes: isInteger(0),
  compactionBatchLimit: isInteger(1),
  compactionPauseMs: isInteger(0, LONGEST_PAUSE_MS),
  maxDeletes: isInteger(1),
  restoreChunkLimit: isInteger(1),
  verify: isBoolean,
  sparse: isBoolean,
  checkpointEvery: isInteger(0),
  observers: { what: 'an array of functions', isKind: (value) => Array.isArray(value) },
  onRestoreProgress: isFunction,
  world: isWorld,
};

/**
 * Opens the store in a backend and rebuilds the index from its records, or from what was saved of it and the newer ones.
 *
 * The caller keeps the backend and closes it after the store. An unfinished compaction goes on in the background. Over a
 * backend that is open for reading only, every write rejects or throws with `BACKEND_READ_ONLY`.
 * @throws MvccError `MVCC_CORRUPT` when the records contradict each other, naming the revisions
 * @throws RangeError for an option out of range
 */
export async function openStore(backend: Backend, options: StoreOptions = {}): Promise<Store> {
  checkBackend(backend);
  checkOptions(options, rules);
  const { durability = 'commit', cacheBytes, compactionBatchLimit, compactionPauseMs, restoreChunkLimit } = options;
  const { maxDeletes, onRestoreProgress, world = hostWorld } = options;
  const restore: RestoreSettings = {
    clock: world.clock,
    chunkLimit: restoreChunkLimit ?? 10_000,
    cacheBytes: cacheBytes ?? 64 * MIB,
    verify: options.verify ?? false,
    sparse: options.sparse ?? false,
    onProgress: onRestoreProgress,
  };
  await loadParts();
  const history = await restoreHistory(backend, restore);
  return new MvccStore(history, {
    durability,
    maxDeletes: maxDeletes ?? MOST_DELETES,
    checkpointEvery: options.checkpointEvery ?? CHECKPOINT_EVERY,
    restore,
    observers: options.observers ?? [],
    pace: {
      batchLimit: compactionBatchLimit ?? BATCH_ROWS,
      pauseMs: compactionPauseMs,
      awaitsCommits: durability === 'commit',
    },
  });
}
