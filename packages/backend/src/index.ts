export type { Backend, BackendOptions, BatchTx, ConcurrentReadTx, ReadTx } from './backend.ts';
export type { Change, Engine, EngineView, Entry, PinnedView, ScanOptions, Snapshot } from './engine.ts';
export { buckets, type Bucket } from './bucket.ts';
export { openBackend } from './open-backend.ts';
export { discardEngine } from './owners.ts';
export { type ImportOptions, type ImportProgress, type ImportResult, importSnapshot } from './import-snapshot.ts';
export { BackendError, type BackendErrorCode } from './errors.ts';
export { crc32c } from './crc32c.ts';
export { leaseGrantCost, putCost, type CostedOp, type CostedTxn, type Quota, quotaOf, txnCost } from './quota.ts';
