/** Everything that can go wrong with a BoltDB file, by code. Codes are the contract; messages are for people. */

/** See the table in the README. */
export type BoltErrorCode =
  | 'BOLT_CLOSED'
  | 'BOLT_ENDED'
  | 'BOLT_NESTED'
  | 'BOLT_READ_ONLY'
  | 'BOLT_UNREADABLE'
  | 'BOLT_NOT_REPLACEABLE'
  | 'BOLT_FAILED'
  | 'BOLT_LOCKED'
  | 'BOLT_NOT_FOUND'
  | 'BOLT_EXISTS'
  | 'BOLT_INVALID'
  | 'BOLT_VERSION'
  | 'BOLT_CHECKSUM'
  | 'BOLT_TOO_SMALL'
  | 'BOLT_TRUNCATED'
  | 'BOLT_FREELIST'
  | 'BOLT_CORRUPT'
  | 'BOLT_BUCKET_EXISTS'
  | 'BOLT_INCOMPATIBLE'
  | 'BOLT_ROWS';

/** Facts that go with an error. */
export interface BoltErrorFacts {
  /** Page the error is about. */
  readonly page?: number | undefined;
  readonly path?: string | undefined;
  /**
   * Rule of the format that the page violates: [`C1` to `C15`](https://github.com/varve/varve/tree/main/packages/bolt#rules-of-the-format),
   * `checksum`, or `stale` (a whole page, but of another commit than the one that is meant).
   */
  readonly rule?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. Check `code`, never the message. */
export class BoltError extends Error {
  override readonly name: string = 'BoltError';
  readonly code: BoltErrorCode;
  readonly page: number | undefined;
  readonly path: string | undefined;
  readonly rule: string | undefined;

  constructor(code: BoltErrorCode, message: string, facts: BoltErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.page = facts.page;
    this.path = facts.path;
    this.rule = facts.rule;
  }
}

/** A page that violates the format. */
export function corrupt(page: number, message: string, rule?: string): BoltError {
  return new BoltError('BOLT_CORRUPT', `page ${page}: ${message}`, { page, rule });
}

/** True for errors of this package with one of the codes. */
export function hasCode(error: unknown, ...codes: readonly BoltErrorCode[]): error is BoltError {
  return error instanceof BoltError && codes.includes(error.code);
}
