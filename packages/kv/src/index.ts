export type * from './embedded.ts';
export type * from './kv.ts';
export {
  compare,
  exists,
  get,
  missing,
  nested,
  put,
  range,
  remove,
  type Compare,
  type DeleteOp,
  type GetOp,
  type KeyOf,
  type NestedTxn,
  type NumberTest,
  type Op,
  type OpResult,
  type OpResults,
  type PutOp,
  type RangeOp,
  type RangeOpResult,
  type Tests,
  type Txn,
  type TxnOp,
  type TxnResult,
  type ValueTest,
} from './operations.ts';
export { bytes, json, utf8, type Codec, type KeyCodec, type ValueCodec } from './codec.ts';
export { tuple, type Tuple, type TupleElement } from './tuple.ts';
export { file, level, memory, open, type Limits, type Location, type OpenOptions } from './open.ts';
export { KvError, type InvalidArgument, type KvErrorCode, type KvErrorFacts } from './errors.ts';
export {
  MvccError,
  WatchError,
  type Compaction,
  type MvccErrorCode,
  type RestoreProgress,
  type StoreMetrics,
  type WatchStats,
} from '@varve/watch';
export type { FileOptions } from '@varve/backend/file';
export type { LevelOptions } from '@varve/backend/level';
export { BackendError, type BackendErrorCode, type Engine, type Snapshot } from '@varve/backend';
export type { StandardSchemaV1 } from '@standard-schema/spec';
