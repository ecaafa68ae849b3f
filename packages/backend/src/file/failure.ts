/** What the file format says, in the words of this package. The cause is kept. */
import { BoltError, type BoltErrorCode } from '@varve/bolt';
import { BackendError, type BackendErrorCode } from '../errors.ts';

const codes: Readonly<Partial<Record<BoltErrorCode, BackendErrorCode>>> = {
  BOLT_CLOSED: 'BACKEND_CLOSED',
  BOLT_ENDED: 'BACKEND_CLOSED',
  BOLT_LOCKED: 'BACKEND_LOCKED',
  BOLT_NOT_FOUND: 'BACKEND_NOT_FOUND',
  BOLT_INVALID: 'BACKEND_FOREIGN',
  BOLT_TOO_SMALL: 'BACKEND_FOREIGN',
  BOLT_VERSION: 'BACKEND_VERSION',
  BOLT_READ_ONLY: 'BACKEND_READ_ONLY',
  BOLT_CHECKSUM: 'BACKEND_CORRUPT',
  BOLT_TRUNCATED: 'BACKEND_CORRUPT',
  BOLT_FREELIST: 'BACKEND_CORRUPT',
  BOLT_CORRUPT: 'BACKEND_CORRUPT',
};

const advice: Readonly<Partial<Record<BackendErrorCode, string>>> = {
  BACKEND_LOCKED: 'another process, or another part of this one, has the store open; close it there first',
  BACKEND_NOT_FOUND: 'there is no store; open with createIfMissing to make one',
  BACKEND_FOREIGN: 'this is not a store; it was left as it is. Choose another path',
  BACKEND_VERSION: 'the file has a format version this release does not know',
  BACKEND_READ_ONLY: 'the file or its folder cannot be written',
  BACKEND_CORRUPT: 'the file is damaged; see `varve-bolt check`, or restore a backup',
};

/** Errors of `@varve/bolt` and of the file system become a `BackendError`; anything else is passed on as it is. */
export function fileFailure(error: unknown, path: string): unknown {
  if (!(error instanceof BoltError)) return error;
  const code = codes[error.code] ?? 'BACKEND_FAILED';
  const hint = advice[code];
  const text = `${path}: ${hint === undefined ? '' : `${hint}: `}${error.message}`;
  return new BackendError(code, text, { cause: error, path });
}
