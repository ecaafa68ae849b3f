/** What the file format says, in the words of this package. What lies behind it, the system's error if there is one, is the cause. */
import { resolve } from 'node:path';
import { BoltError, type BoltErrorCode } from '@varve/bolt';
import { BackendError, type BackendErrorCode } from '../../contract/errors.ts';

const codes: Readonly<Partial<Record<BoltErrorCode, BackendErrorCode>>> = {
  BOLT_CLOSED: 'BACKEND_CLOSED',
  BOLT_ENDED: 'BACKEND_CLOSED',
  BOLT_LOCKED: 'BACKEND_LOCKED',
  BOLT_NOT_FOUND: 'BACKEND_NOT_FOUND',
  BOLT_INVALID: 'BACKEND_FOREIGN',
  BOLT_TOO_SMALL: 'BACKEND_CORRUPT',
  BOLT_VERSION: 'BACKEND_VERSION',
  BOLT_READ_ONLY: 'BACKEND_READ_ONLY',
  BOLT_UNREADABLE: 'BACKEND_UNREADABLE',
  BOLT_NOT_REPLACEABLE: 'BACKEND_NOT_REPLACEABLE',
  BOLT_CHECKSUM: 'BACKEND_CORRUPT',
  BOLT_TRUNCATED: 'BACKEND_CORRUPT',
  BOLT_FREELIST: 'BACKEND_CORRUPT',
  BOLT_CORRUPT: 'BACKEND_CORRUPT',
};

const advice: Readonly<Partial<Record<BackendErrorCode, string>>> = {
  BACKEND_LOCKED: 'Close it there first, in another process or another part of this one',
  BACKEND_NOT_FOUND: 'Check the path',
  BACKEND_FOREIGN: 'It is not a store and was left as it is; choose another path',
  BACKEND_VERSION: 'This release reads format version 2, which is that of etcd and bbolt',
  BACKEND_READ_ONLY:
    'Writing needs the right to write the file and its folder, and an open for writing; `readOnly: true` opens it for reading',
  BACKEND_CORRUPT: 'The file is damaged: look at it with `varve-bolt check`, or restore a backup',
};

/** Errors of `@varve/bolt` and of the file system become a `BackendError`; anything else is passed on as it is. */
export function fileFailure(error: unknown, path: string): unknown {
  if (!(error instanceof BoltError)) return error;
  const code = codes[error.code] ?? 'BACKEND_FAILED';
  const hint = advice[code];
  // What the system was asked for is written without the dots that a path may have.
  const isNamed = error.message.includes(path) || error.message.includes(resolve(path));
  const said = isNamed ? error.message : `${path}: ${error.message}`;
  return new BackendError(code, hint === undefined ? said : `${said}. ${hint}`, { cause: innermost(error), path });
}

function innermost(error: BoltError): Error {
  let at: Error = error;
  while (at instanceof BoltError && at.cause instanceof Error) at = at.cause;
  return at;
}
