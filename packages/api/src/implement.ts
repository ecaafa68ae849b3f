/**
 * What every implementation of a `Kv` shares: arguments checked, keys and values between their two worlds, transactions planned,
 * cursors. Not for programs that only use a `Kv`.
 */
export { compareBytes, contains, keyAfter, prefixEnd, type Bounds } from './bounds.ts';
export { byteKey, keyName } from './byte-key.ts';
export { checkByteKeys, checkByteRange } from './byte-kv.ts';
export {
  checkInteger,
  checkNames,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalInteger,
  checkRevision,
  checkSignal,
  checkSignalOptions,
} from './checks.ts';
export { BufferedWrites, draftOf, type BufferedWrite } from './buffered-writes.ts';
export { ownBytes } from './coder.ts';
export { collect } from './collect.ts';
export { cursorOf, readCursor, type Cursor, type CursorSpace, type Walk } from './cursor.ts';
export { planDiff, type Compared } from './diff-plan.ts';
export { diffOf, diffSource, type DiffOrigin, type DiffPair } from './diff-source.ts';
export { entriesOf } from './entries.ts';
export { invalidType, outOfRange } from './errors.ts';
export { changesOf, historyOf } from './event-source.ts';
export { KeySpace } from './key-space.ts';
export { isThenable, kindOf } from './kind.ts';
export { leaveLease, LeaseLife, longestWaitMs } from './lease-life.ts';
export { planGrant, planLease, type LeasePlan, type LeaseRequest } from './lease-plan.ts';
export { leaseOf, leaseText } from './lease-text.ts';
export { activeLimits, type ActiveLimits, type Limits } from './limits.ts';
export { Pull, pullEach, type PullSlice, type Source, type StreamOwner } from './pull.ts';
export { restBehind, restFrom } from './range-order.ts';
export { checkPointRead, planCount, planRead, type ReadPlan } from './read-plan.ts';
export { selectSeveral, type Several } from './several.ts';
export { sortInSlices } from './sort.ts';
export { TransactionView, type TransactionAttempt } from './transaction-view.ts';
export { decodedOr } from './undecodable.ts';
export { withCodecs, type Recoded } from './recoded.ts';
export { Records, type StoredChange, type StoredRecord } from './records.ts';
export { recordNames, recordsFor, type RecordOptions } from './records-for.ts';
export { planTransaction, RunningTransactions, type Running } from './running.ts';
export { planKeys } from './many-keys.ts';
export {
  planTxn,
  type Condition,
  type Deletion,
  type NumberCheck,
  type NumberField,
  type Plan,
  type PlannedPut,
  type RecordsInside,
  type Step,
  type WholePlan,
} from './txn.ts';
export { Views } from './views.ts';
export { WalkSource, type RangeWalk } from './walk-source.ts';
export { WatchHandOut, type WatchNews, type WatchOrigin } from './watch-hand-out.ts';
export { undoPages, type PlainKv, type UndoTask } from './undo-pages.ts';
export { planUndo } from './undo-plan.ts';
export { planWatch, type WatchPlan } from './watch-plan.ts';
export { planCreate, planDelete, planUpdate, type ConditionalPut, type DeletePlan } from './write-plan.ts';
