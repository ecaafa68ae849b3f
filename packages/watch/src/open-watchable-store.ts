/** How a watchable store begins: watchers among the observers of a store, and one object that is both. */
import { openStore, type Backend, type Store, type StoreOptions } from '@varve/mvcc';
import { checkOptional, checkPlain, isInteger, type Rule, type Rules } from '@varve/base/options';
import type { Clock } from '@varve/base/clock';
import { codeIsNear, hostWorld } from '@varve/base/host';
import { catching } from './late.ts';
import type { WatchableStore, WatchableStoreOptions } from './watchable-store.ts';
import { Watchers, type WatchLimits } from './watchers.ts';

/** What a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const rules: Rules<WatchableStoreOptions> = {
  queueCapacity: isInteger(1),
  watchersPerPass: isInteger(1),
  revisionsPerBatch: isInteger(1),
  scanIdleMs: isInteger(1, LONGEST_TIMER_MS),
};

/** Opens a store in the backend, and watchers beside it. Closing it closes both, not the backend. */
export async function openWatchableStore(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions = {},
): Promise<WatchableStore> {
  return (await openWithWatchers(backend, options, clockOf(options))).store;
}

/** Options that are none, and a world that is none, are refused by who reads them next. */
function clockOf(options: StoreOptions): Clock {
  return (Object(options) as StoreOptions).world?.clock ?? hostWorld.clock;
}

/** As `openWatchableStore`, with the clock that drives catch-up; and the watchers themselves. */
export async function openWithWatchers(
  backend: Backend,
  options: StoreOptions & WatchableStoreOptions,
  clock: Clock,
): Promise<{ readonly store: WatchableStore; readonly watchers: Watchers }> {
  checkPlain(options);
  // What is left over is the store's, which refuses the names that it does not know.
  const {
    queueCapacity = 128,
    watchersPerPass = 512,
    revisionsPerBatch = 1000,
    scanIdleMs = 100,
    ...storeOptions
  } = options;
  for (const [name, rule] of Object.entries<Rule>(rules))
    checkOptional(options[name as keyof typeof rules], name, rule);
  const limits: WatchLimits = { queueCapacity, watchersPerPass, revisionsPerBatch, scanIdleMs };
  if (codeIsNear) await catching.load();
  let watchers!: Watchers;
  const observe = (store: Store): Watchers => (watchers = new Watchers(store, clock, limits));
  const store = await openStore(backend, { ...storeOptions, observers: [observe, ...(storeOptions.observers ?? [])] });
  return { store: watchable(store, watchers), watchers };
}

/** The store itself, with what its watchers add: nothing is wrapped, so nothing is passed on. */
function watchable(store: Store, watchers: Watchers): WatchableStore {
  const added: PropertyDescriptorMap & Record<Exclude<keyof WatchableStore, keyof Store>, PropertyDescriptor> = {
    newWatchStream: { value: () => watchers.newStream() },
    loseEvents: { value: (before: number, all = false) => watchers.loseEvents(before, all) },
    watchStats: { get: () => watchers.stats },
    consistentIndex: { value: () => store.appliedIndex().index },
  };
  return Object.defineProperties(store, added) as WatchableStore;
}
