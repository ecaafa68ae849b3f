export type * from './embedded.ts';
export type { CheckOptions, CheckProgress, CheckResult } from './check-store.ts';
export type { Hold, HoldOptions, HoldStatus } from './retain/hold.ts';
export type { HistoryKeepingOptions, RetainOptions } from './retain/retain-options.ts';
export type { RetainedCompaction, RetainFailure, RetainStatus } from './retain/retain-status.ts';
export type { ImportSource } from './import-from.ts';
export * from '@varve/api';
export type { Limits } from '@varve/api/implement';
export { isClusterName } from './cluster.ts';
export { memory } from './given-engine.ts';
export { file, level, log, type Location } from './location.ts';
export { open, type BothOptions, type KeyOptions, type OpenOptions, type ValueOptions } from './open.ts';
export {
  MvccError,
  WatchError,
  type Compaction,
  type MvccErrorCode,
  type Opened,
  type RestoreProgress,
  type StoreMetrics,
  type WatchStats,
} from '@varve/watch';
export type { FileOptions } from '@varve/backend/file';
export type { LevelOptions } from '@varve/backend/level';
export type { LogOptions } from '@varve/backend/log';
export { BackendError, type BackendErrorCode, type Engine, type Snapshot } from '@varve/backend';
export type { ImportProgress } from '@varve/backend/import';
