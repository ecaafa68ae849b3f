export type {
  Change,
  Compaction,
  DeleteRangeOptions,
  DeleteRangeResult,
  Finished,
  GetOptions,
  HashResult,
  HistoryOptions,
  KeyValue,
  LeaseAttachment,
  RangeOptions,
  RangeResult,
  ReadTxn,
  RestoreProgress,
  RowsTx,
  SliceOptions,
  Store,
  StoreMetrics,
  StoreOptions,
  WriteTxn,
} from './store.ts';
export type { FinishedTransaction, ObserverFactory, StoreObserver } from './observer.ts';
export { openStore } from './open-store.ts';
export { MvccError, type MvccErrorCode } from './errors.ts';
export type { Backend, BackendOptions, Bucket, Snapshot } from '@varve/backend';
export type { RangeEnd } from '@varve/index';
