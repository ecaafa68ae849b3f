/**
 * Every error that a caller of a `Kv` can meet, whichever package throws it.
 *
 * ER1  The set of codes is closed: an error that comes out of a `Kv` has a code of `KvCode`, or is the reason of the
 *      caller's own signal, or was thrown by code that the caller passed in.
 * ER2  Codes are stable within a major version, messages and classes are not: another package's error with the code and the
 *      facts named here is as good as a `KvError`.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

/**
 * Codes that have one cause on every `Kv`.
 *
 * - `KV_INVALID` a wrong argument: a `TypeError` or `RangeError` that carries this code and names the argument
 * - `KV_TOO_LARGE` a key, a value, a transaction or a deletion over its limit, which is in `limit`
 * - `KV_DUPLICATE_KEY` a transaction changes one key twice
 * - `KV_ENCODE` the codec refused a key or a value, the `cause` is what it said; nothing was written
 * - `KV_DECODE` the codec refused what is stored; `key` and `revision` say where, `cause` what it said. Where a write answers with what was
 *   stored: in an embedded store nothing was written, on a cluster all of it was, which the message says
 * - `KV_CONFLICT` `transaction` gave up: what it had read changed in each of its attempts
 * - `KV_EXISTS` the target of a backup is there already
 * - `KV_BACKUP` a backup could not be written; the target does not exist
 * - `KV_HELD` a compaction that would take a revision which a running hold keeps; `revision` is that one, up to which may be compacted
 * - `KV_CLOSED` called after `close`, or used after it
 * - `KV_UNAVAILABLE` nobody has answered in time, or what would reach the store is not installed; nothing was written
 * - `KV_UNKNOWN_OUTCOME` a write was sent and its answer was lost: it may have been done, and may still be; the message says how to find out
 * - `KV_DENIED` the cluster refuses the user, the password, the certificate, or what the user may not do; nothing was written
 * - `KV_NO_SPACE` the quota of the cluster is used up
 * - `KV_UNSUPPORTED` the other side does not know the call
 * - `KV_BEHIND` a follower is further behind its source than was allowed, or did not come as far as was wanted in time; nothing was read
 * - `KV_REPLACED` what is followed, by a follower, a mirror or a watch of a cluster, is another store now, or an older copy of it: nothing of it was mixed with what was there
 * - `KV_REMOTE` the other side failed in a way that has no code of its own; `cause` is what it said
 */
export type KvErrorCode =
  | 'KV_INVALID'
  | 'KV_TOO_LARGE'
  | 'KV_DUPLICATE_KEY'
  | 'KV_ENCODE'
  | 'KV_DECODE'
  | 'KV_CONFLICT'
  | 'KV_EXISTS'
  | 'KV_BACKUP'
  | 'KV_HELD'
  | 'KV_CLOSED'
  | 'KV_UNAVAILABLE'
  | 'KV_UNKNOWN_OUTCOME'
  | 'KV_DENIED'
  | 'KV_NO_SPACE'
  | 'KV_UNSUPPORTED'
  | 'KV_BEHIND'
  | 'KV_REPLACED'
  | 'KV_REMOTE';

/**
 * Codes of what lies below, which reach the caller as they are.
 *
 * - `MVCC_COMPACTED` the revision is compacted; `compactRevision` is the oldest that can be read
 * - `MVCC_FUTURE_REVISION` the revision does not exist yet; `currentRevision` is the newest
 * - `MVCC_EXHAUSTED` there are no more revisions; reads go on
 * - `MVCC_CORRUPT`, `BACKEND_CORRUPT`, `INDEX_CORRUPT` damage; the message names the place
 * - `BACKEND_FAILED` a commit failed, the `cause` says how: reads go on, writes are refused, watches end with it
 * - `LEASE_NOT_FOUND` there is no lease of that id: never granted, revoked, or run out; a write that named it has changed nothing
 * - `LEASE_EXISTS` there is a lease of that id already
 * - `LEASE_TTL_TOO_LARGE` a time to live beyond what the store allows
 * - `LEASE_CORRUPT` damage of what is kept of a lease; why a store did not open
 * - `WATCH_EMPTY_RANGE` the range of a watch holds no key: its end is at or before its start
 * - `BACKEND_NESTED` a write inside the body of `write`; use the section
 * - `BACKEND_READ_ONLY` a write to what was opened for reading only, or a place that cannot be written
 * - `BACKEND_NOT_REPLACEABLE` `defrag` cannot put a new file in the place of the old one; nothing was changed
 * - `BACKEND_NOT_EMPTY` the place that an import is to fill holds something already
 * - `BACKEND_LOCKED`, `BACKEND_FOREIGN`, `BACKEND_NOT_FOUND`, `BACKEND_UNREADABLE`, `BACKEND_VERSION`, `BACKEND_UNAVAILABLE` why a
 *   store did not open; nothing was changed
 * - `BASE_NOT_LOADED` code that comes with its first use could not be loaded, as where a page's file cannot be fetched; nothing was changed
 */
export type PassedCode =
  | 'MVCC_COMPACTED'
  | 'MVCC_FUTURE_REVISION'
  | 'MVCC_EXHAUSTED'
  | 'MVCC_CORRUPT'
  | 'INDEX_CORRUPT'
  | 'BACKEND_CORRUPT'
  | 'LEASE_NOT_FOUND'
  | 'LEASE_EXISTS'
  | 'LEASE_TTL_TOO_LARGE'
  | 'LEASE_CORRUPT'
  | 'WATCH_EMPTY_RANGE'
  | 'BACKEND_FAILED'
  | 'BACKEND_NESTED'
  | 'BACKEND_READ_ONLY'
  | 'BACKEND_NOT_REPLACEABLE'
  | 'BACKEND_NOT_EMPTY'
  | 'BACKEND_LOCKED'
  | 'BACKEND_FOREIGN'
  | 'BACKEND_NOT_FOUND'
  | 'BACKEND_UNREADABLE'
  | 'BACKEND_VERSION'
  | 'BACKEND_UNAVAILABLE'
  | 'BASE_NOT_LOADED';

/** Every code that an error of a `Kv` can have. */
export type KvCode = KvErrorCode | PassedCode;

/** As an object, so that the compiler sees a code that is missing. */
const codes: Record<KvCode, true> = {
  KV_INVALID: true,
  KV_TOO_LARGE: true,
  KV_DUPLICATE_KEY: true,
  KV_ENCODE: true,
  KV_DECODE: true,
  KV_CONFLICT: true,
  KV_EXISTS: true,
  KV_BACKUP: true,
  KV_HELD: true,
  KV_CLOSED: true,
  KV_UNAVAILABLE: true,
  KV_UNKNOWN_OUTCOME: true,
  KV_DENIED: true,
  KV_NO_SPACE: true,
  KV_UNSUPPORTED: true,
  KV_BEHIND: true,
  KV_REPLACED: true,
  KV_REMOTE: true,
  MVCC_COMPACTED: true,
  MVCC_FUTURE_REVISION: true,
  MVCC_EXHAUSTED: true,
  MVCC_CORRUPT: true,
  INDEX_CORRUPT: true,
  BACKEND_CORRUPT: true,
  LEASE_NOT_FOUND: true,
  LEASE_EXISTS: true,
  LEASE_TTL_TOO_LARGE: true,
  LEASE_CORRUPT: true,
  WATCH_EMPTY_RANGE: true,
  BACKEND_FAILED: true,
  BACKEND_NESTED: true,
  BACKEND_READ_ONLY: true,
  BACKEND_NOT_REPLACEABLE: true,
  BACKEND_NOT_EMPTY: true,
  BACKEND_LOCKED: true,
  BACKEND_FOREIGN: true,
  BACKEND_NOT_FOUND: true,
  BACKEND_UNREADABLE: true,
  BACKEND_VERSION: true,
  BACKEND_UNAVAILABLE: true,
  BASE_NOT_LOADED: true,
};

/** All of them. */
export const kvCodes: readonly KvCode[] = Object.freeze(Object.keys(codes) as KvCode[]);

/** The code of an error that came out of a `Kv`; `undefined` for anything else, the reason of a signal for one. */
export function codeOf(error: unknown): KvCode | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && Object.hasOwn(codes, code) ? (code as KvCode) : undefined;
}

/** Facts that go with an error. */
export interface KvErrorFacts {
  readonly cause?: unknown;
  /** The key the error is about, as its name space knows it; bytes of the reader's own. */
  readonly key?: Uint8Array | undefined;
  /** The revision the error is about. */
  readonly revision?: number | undefined;
  /** With `KV_TOO_LARGE`: what was allowed. */
  readonly limit?: number | undefined;
  /** The file the error is about. */
  readonly path?: string | undefined;
  /** With `MVCC_COMPACTED`: the oldest revision that can be read. */
  readonly compactRevision?: number | undefined;
  /** With `MVCC_FUTURE_REVISION`: the newest revision. */
  readonly currentRevision?: number | undefined;
  /** With `KV_ENCODE` and `KV_DECODE`: what the schema of `json(schema)` said. It may quote the value. */
  readonly issues?: readonly StandardSchemaV1.Issue[] | undefined;
}

/** The error of whoever implements a `Kv`. Check `code`, never the message or the class. */
export class KvError extends Error {
  override readonly name: string = 'KvError';
  readonly code: KvCode;
  readonly key?: Uint8Array | undefined;
  readonly revision?: number | undefined;
  readonly limit?: number | undefined;
  readonly path?: string | undefined;
  readonly compactRevision?: number | undefined;
  readonly currentRevision?: number | undefined;
  readonly issues?: readonly StandardSchemaV1.Issue[] | undefined;

  constructor(code: KvCode, message: string, facts: KvErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    if (facts.key !== undefined) this.key = facts.key;
    if (facts.revision !== undefined) this.revision = facts.revision;
    if (facts.limit !== undefined) this.limit = facts.limit;
    if (facts.path !== undefined) this.path = facts.path;
    if (facts.compactRevision !== undefined) this.compactRevision = facts.compactRevision;
    if (facts.currentRevision !== undefined) this.currentRevision = facts.currentRevision;
    if (facts.issues !== undefined) this.issues = facts.issues;
  }
}

/** A wrong argument as the platform reports it, with a code to check. */
export interface InvalidArgument extends TypeError {
  readonly code: 'KV_INVALID';
}

/** A `TypeError` with the code. The message names the argument and what it may be, never its value. */
export function invalidType(message: string, cause?: unknown): InvalidArgument {
  const error = new TypeError(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code: 'KV_INVALID' as const });
}

/** A `RangeError` with the code: the right type, outside of what is allowed. */
export function outOfRange(message: string): InvalidArgument {
  return Object.assign(new RangeError(message), { code: 'KV_INVALID' as const });
}
