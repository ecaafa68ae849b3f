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
  Opened,
  RangeOptions,
  RangeResult,
  ReadTxn,
  RestoreProgress,
  Rows,
  RowsTx,
  SliceOptions,
  Store,
  StoreMetrics,
  StoreOptions,
  WriteTxn,
} from './store.ts';
export type { FinishedTransaction, NextData, ObserverFactory, StoreObserver } from './observer.ts';
export { openStore } from './open-store.ts';
export { emptyBackend, fillState, type StoredState } from './fill-state.ts';
export { MvccError, type MvccErrorCode } from './errors.ts';
export type { Backend, BackendOptions, Bucket, Entry, ScanOptions, Snapshot } from '@varve/backend';
export type { RangeEnd } from '@varve/index';
