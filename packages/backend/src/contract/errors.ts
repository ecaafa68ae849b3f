/** Errors of this package. Codes are stable within a major version, messages are not. */

/**
 * - `BACKEND_CLOSED` called after `close`, or on a transaction, view or snapshot that has ended, or on an engine that was closed
 * - `BACKEND_FAILED` a commit failed; the first failure is the `cause`; open anew to recover
 * - `BACKEND_LOCKED` another process, or another part of this one, has the store open, or the very engine
 * - `BACKEND_NOT_FOUND` there is no store and `create` is false
 * - `BACKEND_FOREIGN` the path holds something that is not a store of ours; it was left as it is
 * - `BACKEND_NOT_EMPTY` the target of an import holds something already
 * - `BACKEND_VERSION` written by a newer format than this release reads
 * - `BACKEND_READ_ONLY` the medium or the folder cannot be written, or the store was opened for reading only
 * - `BACKEND_UNREADABLE` the file, or a folder above it, may not be read
 * - `BACKEND_NOT_REPLACEABLE` a compaction cannot put a new file in the place of this one; the message says why
 * - `BACKEND_CORRUPT` damage, or an engine that answers something else than it was asked; the message names the place
 * - `BACKEND_UNAVAILABLE` the engine's driver is not installed or has no binary for this platform
 * - `BACKEND_NESTED` a section inside a section
 * - `BACKEND_NO_BUCKET` the bucket does not exist
 * - `BACKEND_KEY_ORDER` a key of an append-only bucket that is not greater than all before it
 */
export type BackendErrorCode =
  | 'BACKEND_CLOSED'
  | 'BACKEND_FAILED'
  | 'BACKEND_LOCKED'
  | 'BACKEND_NOT_FOUND'
  | 'BACKEND_FOREIGN'
  | 'BACKEND_NOT_EMPTY'
  | 'BACKEND_VERSION'
  | 'BACKEND_READ_ONLY'
  | 'BACKEND_UNREADABLE'
  | 'BACKEND_NOT_REPLACEABLE'
  | 'BACKEND_CORRUPT'
  | 'BACKEND_UNAVAILABLE'
  | 'BACKEND_NESTED'
  | 'BACKEND_NO_BUCKET'
  | 'BACKEND_KEY_ORDER';

/** An error of this package: check `code`, never the message. */
export class BackendError extends Error {
  readonly code: BackendErrorCode;
  /** The folder or file the error is about, where there is one. */
  readonly path?: string | undefined;

  constructor(
    code: BackendErrorCode,
    message: string,
    options?: ErrorOptions & { readonly path?: string | undefined },
  ) {
    super(message, options);
    this.name = 'BackendError';
    this.code = code;
    if (options?.path !== undefined) this.path = options.path;
  }
}
