/** Errors of this package. Codes are stable within a major version, messages are not. */

/**
 * - `KV_INVALID` a wrong argument: a `TypeError` or `RangeError` that carries this code and names the argument
 * - `KV_TOO_LARGE` a key, a value, a transaction or a deletion over its limit, which is in `limit`
 * - `KV_DUPLICATE_KEY` a transaction changes one key twice
 * - `KV_ENCODE` the codec refused a key or a value, the `cause` is what it said; nothing was written
 * - `KV_DECODE` the codec refused what is stored; `key` and `revision` say where, `cause` what it said
 * - `KV_CONFLICT` `transaction` gave up: what it had read changed in each of its attempts
 * - `KV_EXISTS` the target of a backup is there already
 * - `KV_BACKUP` a backup could not be written; the target does not exist
 * - `KV_CLOSED` called after `close`, or used after it
 *
 * Errors of the layers below pass through as they are: `BACKEND_*`, `MVCC_*`, `WATCH_*`.
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
  | 'KV_CLOSED';

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
}

/** The one error class of this package. Check `code`, never the message. */
export class KvError extends Error {
  override readonly name: string = 'KvError';
  readonly code: KvErrorCode;
  readonly key?: Uint8Array | undefined;
  readonly revision?: number | undefined;
  readonly limit?: number | undefined;
  readonly path?: string | undefined;

  constructor(code: KvErrorCode, message: string, facts: KvErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    if (facts.key !== undefined) this.key = facts.key;
    if (facts.revision !== undefined) this.revision = facts.revision;
    if (facts.limit !== undefined) this.limit = facts.limit;
    if (facts.path !== undefined) this.path = facts.path;
  }
}

/** A wrong argument as the platform reports it, with a code to check. */
export interface InvalidArgument extends TypeError {
  readonly code: 'KV_INVALID';
}

/** A `TypeError` with the code. The message names the argument and what it may be, never its value (R3). */
export function invalidType(message: string, cause?: unknown): InvalidArgument {
  const error = new TypeError(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code: 'KV_INVALID' as const });
}

/** A `RangeError` with the code: the right type, outside of what is allowed (R3). */
export function outOfRange(message: string): InvalidArgument {
  return Object.assign(new RangeError(message), { code: 'KV_INVALID' as const });
}
