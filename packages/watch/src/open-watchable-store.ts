import type { Backend, StoreOptions } from '@varve/mvcc';
import type { WatchableStore, WatchableStoreOptions } from './watchable-store.ts';

/** Opens a store in the backend, and watchers over it. Closing it closes the store, not the backend. */
export declare function openWatchableStore(
  backend: Backend,
  options?: StoreOptions & WatchableStoreOptions,
): Promise<WatchableStore>;
