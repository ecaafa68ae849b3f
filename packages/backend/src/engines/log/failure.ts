/** The system's errors in this package's terms. The original stays as `cause`. */
import { BackendError, type BackendErrorCode } from '../../contract/errors.ts';
import { errorCode } from './files/log-files.ts';

const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);

const ADVICE: { readonly [code in BackendErrorCode]?: string } = {
  BACKEND_LOCKED: 'Close it there first, or use another path',
  BACKEND_CORRUPT: 'Restore the folder from a snapshot; it was left for inspection',
  BACKEND_READ_ONLY: 'Give this process permission to read and write it, open it with readOnly, or use another path',
  BACKEND_FAILED: 'Remove the cause and open the store again',
};

/** What went wrong while doing `what` to the store at `path`, typed. */
export function asBackendError(error: unknown, what: string, path: string): BackendError {
  if (error instanceof BackendError) return error;
  const code = NOT_WRITABLE.has(errorCode(error) ?? '') ? 'BACKEND_READ_ONLY' : 'BACKEND_FAILED';
  const reason = error instanceof Error ? error.message : String(error);
  return new BackendError(code, `${what} ${path}: ${reason}. ${ADVICE[code]}`, { cause: error, path });
}

export function corruptError(file: string, place: string, cause?: unknown): BackendError {
  const message = `${file} is damaged: ${place}. ${ADVICE.BACKEND_CORRUPT}`;
  return new BackendError('BACKEND_CORRUPT', message, { cause, path: file });
}

export function foreignError(path: string, what: string): BackendError {
  const message = `${path} ${what}; it was left as it is. Choose another path for the store`;
  return new BackendError('BACKEND_FOREIGN', message, { path });
}

export function lockedError(path: string, holder: string): BackendError {
  return new BackendError('BACKEND_LOCKED', `${path} is open already, in ${holder}. ${ADVICE.BACKEND_LOCKED}`, {
    path,
  });
}

export function movedError(path: string): BackendError {
  const message =
    `The folder ${path} was moved, removed or replaced while it was open as a store. Nothing more is written. ` +
    'Close the store, and open it where it is now';
  return new BackendError('BACKEND_FAILED', message, { path });
}

export function closedError(path: string): BackendError {
  return new BackendError('BACKEND_CLOSED', `${path} is closed`, { path });
}
