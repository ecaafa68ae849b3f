import { openStore, type Backend, type Store, type StoreOptions } from '@varve/mvcc';
import { checkIsOptions } from './check-options.ts';
import { systemClock, type Clock } from './clock.ts';
import type { WatchableStore, WatchableStoreOptions } from './watchable-store.ts';
import { Watchers, type WatchLimits } from './watchers.ts';

/** What a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Opens a store in the backend, and watchers beside it. Closing it closes both, not the backend. */
export async function openWatchableStore(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions = {},
): Promise<WatchableStore> {
  return (await openWithWatchers(backend, options, systemClock)).store;
}

/** As `openWatchableStore`, with the clock that drives catch-up; and the watchers themselves. */
export async function openWithWatchers(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions,
  clock: Clock,
): Promise<{ readonly store: WatchableStore; readonly watchers: Watchers }> {
  checkIsOptions(options);
  // What is left over is the store's, which refuses the names that it does not know.
  const { queueCapacity, watchersPerPass, revisionsPerBatch, scanIdleMs, ...storeOptions } = options;
  const limits: WatchLimits = {
    queueCapacity: positive('queueCapacity', queueCapacity ?? 128),
    watchersPerPass: positive('watchersPerPass', watchersPerPass ?? 512),
    revisionsPerBatch: positive('revisionsPerBatch', revisionsPerBatch ?? 1000),
    scanIdleMs: positive('scanIdleMs', scanIdleMs ?? 100),
  };
  if (limits.scanIdleMs > LONGEST_TIMER_MS) throw new RangeError(`scanIdleMs: at most ${LONGEST_TIMER_MS}`);
  let watchers!: Watchers;
  const observe = (store: Store): Watchers => (watchers = new Watchers(store, clock, limits));
  const store = await openStore(backend, { ...storeOptions, observers: [observe, ...(storeOptions.observers ?? [])] });
  return { store: watchable(store, watchers), watchers };
}

/** The store itself, with what its watchers add: nothing is wrapped, so nothing is passed on. */
function watchable(store: Store, watchers: Watchers): WatchableStore {
  const added: PropertyDescriptorMap & Record<Exclude<keyof WatchableStore, keyof Store>, PropertyDescriptor> = {
    newWatchStream: { value: () => watchers.newStream() },
    watchStats: { get: () => watchers.stats },
    consistentIndex: { value: () => store.appliedIndex().index },
  };
  return Object.defineProperties(store, added) as WatchableStore;
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name}: not a whole number of at least 1`);
  return value;
}
