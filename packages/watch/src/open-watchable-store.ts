import { openStore, type Backend, type StoreOptions } from '@varve/mvcc';
import { systemClock, type Clock } from './clock.ts';
import type { WatchableStore, WatchableStoreOptions } from './watchable-store.ts';
import type { HubLimits } from './watch-hub.ts';
import { WatchedStore } from './watched-store.ts';

/** Opens a store in the backend, and watchers over it. Closing it closes the store, not the backend. */
export function openWatchableStore(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions = {},
): Promise<WatchableStore> {
  return openWatchedStore(backend, options, systemClock);
}

/** As `openWatchableStore`, with the clock that drives catch-up. */
export async function openWatchedStore(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions,
  clock: Clock,
): Promise<WatchedStore> {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
  const limits: HubLimits = {
    queueCapacity: positive('queueCapacity', options.queueCapacity ?? 128),
    watchersPerPass: positive('watchersPerPass', options.watchersPerPass ?? 512),
    revisionsPerBatch: positive('revisionsPerBatch', options.revisionsPerBatch ?? 1000),
    scanIdleMs: positive('scanIdleMs', options.scanIdleMs ?? 100),
  };
  return new WatchedStore(await openStore(backend, options), clock, limits);
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name}: not a whole number of at least 1`);
  return value;
}
