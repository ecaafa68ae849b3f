export type { Backend, BackendOptions, BatchTx, ConcurrentReadTx, ReadTx } from './contract/backend.ts';
export type {
  Change,
  Changes,
  Engine,
  EngineView,
  Entry,
  PinnedView,
  Room,
  ScanOptions,
  Snapshot,
} from './contract/engine.ts';
export { type Aside, indexAside } from './contract/aside.ts';
export { PackedChanges, packChanges } from './contract/packed-changes.ts';
export { RowSearch } from './contract/row-search.ts';
export { bucketNamed, buckets, isCopied, timesBucket, type Bucket } from './contract/bucket.ts';
export { openBackend } from './open/open-backend.ts';
export { discardEngine } from './open/owners.ts';
export { BackendError, type BackendErrorCode } from './contract/errors.ts';
export { crc32c } from '@varve/base/crc32c';
export {
  leaseGrantCost,
  putCost,
  type CostedOp,
  type CostedTxn,
  type Quota,
  quotaOf,
  txnCost,
} from './commit/quota.ts';
