/** Errors of this package. Codes are stable within a major version, messages are not. */

/**
 * - `WATCH_EMPTY_RANGE` the range holds no key: its end is at or before its start
 * - `WATCH_DUPLICATE_ID` the stream has a watcher of that id
 * - `WATCH_NOT_FOUND` the stream has no watcher of that id
 * - `WATCH_CLOSED` the stream or the store is closed
 */
export type WatchErrorCode = 'WATCH_EMPTY_RANGE' | 'WATCH_DUPLICATE_ID' | 'WATCH_NOT_FOUND' | 'WATCH_CLOSED';

/** An error of this package: check `code`, never the message. */
export class WatchError extends Error {
  readonly code: WatchErrorCode;

  constructor(code: WatchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WatchError';
    this.code = code;
  }
}
