export type * from './kv.ts';
export type * from './upkeep.ts';
export type * from './lease.ts';
export type * from './optimistic.ts';
export type * from './list-options.ts';
export type * from './changes.ts';
export type * from './undo.ts';
export type * from './cluster.ts';
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
export { within, type OneOp, type WithinCompare, type WithinOp } from './within.ts';
export { bytes, json, utf8, type Codec, type KeyCodec, type ValueCodec } from './codec.ts';
export { tuple, type Tuple, type TupleElement } from './tuple.ts';
export {
  codeOf,
  kvCodes,
  KvError,
  type InvalidArgument,
  type KvCode,
  type KvErrorCode,
  type KvErrorFacts,
  type PassedCode,
} from './errors.ts';
export type { StandardSchemaV1 } from '@standard-schema/spec';
