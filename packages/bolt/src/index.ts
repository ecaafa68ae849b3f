/** A BoltDB file in pure TypeScript. */
export type {
  Bolt,
  BoltImage,
  BoltStats,
  BuildOptions,
  BuildRow,
  BuildRowLengths,
  BuildSource,
  Bytes,
  CheckOptions,
  CheckReport,
  CompactOptions,
  CompactReport,
  CopyOptions,
  Cursor,
  Entry,
  OpenOptions,
  Problem,
  RangeOptions,
  ReadBucket,
  ReadOptions,
  ReadTransaction,
  RowChunks,
  SignalOptions,
  WriteBucket,
  WriteTransaction,
} from './bolt.ts';
export { buildBolt } from './tools/build.ts';
export { BoltError } from './errors.ts';
export type { BoltErrorCode, BoltErrorFacts } from './errors.ts';
export { openBolt } from './open/open-bolt.ts';
