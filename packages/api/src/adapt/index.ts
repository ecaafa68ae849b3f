/**
 * What adapters outwards share: those that make a `Kv` the store of another library. Not for programs that use a `Kv`.
 */
export { deleteEach, getEach } from './each.ts';
export { leaseSeconds } from './lease-seconds.ts';
export { LentStore, type KvOrOpen } from './lent-store.ts';
export { pagesOf } from './pages.ts';
