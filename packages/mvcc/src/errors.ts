/** Errors of this package. Codes are stable within a major version, messages are not. */

/**
 * - `MVCC_COMPACTED` the revision was compacted; read from `compactRevision` on
 * - `MVCC_FUTURE_REVISION` the revision does not exist yet; the newest is `currentRevision`
 * - `MVCC_CORRUPT` a record is missing, undecodable or out of order; the message names it
 * - `MVCC_CLOSED` called after `close`, or interrupted by it
 * - `MVCC_TOO_LARGE` a deletion of more keys than one section may take (`maxDeletes`); nothing was deleted: use `limit`
 * - `MVCC_EXHAUSTED` the revision counter has reached 2^53 - 1; reads go on
 */
export type MvccErrorCode =
  | 'MVCC_COMPACTED'
  | 'MVCC_FUTURE_REVISION'
  | 'MVCC_CORRUPT'
  | 'MVCC_CLOSED'
  | 'MVCC_TOO_LARGE'
  | 'MVCC_EXHAUSTED';

/** An error of this package: check `code`, never the message. */
export class MvccError extends Error {
  readonly code: MvccErrorCode;
  /** With `MVCC_COMPACTED`: the oldest revision that can be read. */
  readonly compactRevision?: number | undefined;
  /** With `MVCC_FUTURE_REVISION`: the newest revision that can be read. */
  readonly currentRevision?: number | undefined;

  constructor(
    code: MvccErrorCode,
    message: string,
    options?: ErrorOptions & {
      readonly compactRevision?: number | undefined;
      readonly currentRevision?: number | undefined;
    },
  ) {
    super(message, options);
    this.name = 'MvccError';
    this.code = code;
    if (options?.compactRevision !== undefined) this.compactRevision = options.compactRevision;
    if (options?.currentRevision !== undefined) this.currentRevision = options.currentRevision;
  }
}
