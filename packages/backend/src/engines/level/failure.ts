/** LevelDB's and the system's errors in this package's terms (R72). The original stays as `cause`. */
import { BackendError, type BackendErrorCode } from '../../contract/errors.ts';
import { errorCode } from './files.ts';

/** LevelDB passes on what `strerror` says and drops the number; these are glibc's, musl's and macOS's words. */
const SPOKEN: ReadonlyArray<readonly [words: RegExp, code: string]> = [
  [/No space left on device/i, 'ENOSPC'],
  [/Input\/output error|I\/O error/i, 'EIO'],
  [/quota exceeded/i, 'EDQUOT'],
  [/File too large/i, 'EFBIG'],
  [/Too many open files in system/i, 'ENFILE'],
  [/Too many open files|No file descriptors available/i, 'EMFILE'],
  [/Read-only file system/i, 'EROFS'],
  [/Permission denied/i, 'EACCES'],
  [/Operation not permitted/i, 'EPERM'],
  [/No such file or directory/i, 'ENOENT'],
];

const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);

/** The error LevelDB really had: `LEVEL_DATABASE_NOT_OPEN` and the like wrap it. */
function innermost(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && at.cause !== undefined && !isStatus(at)) at = at.cause;
  return at;
}

function isStatus(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'LEVEL_LOCKED' || code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR';
}

/** An error with the system's code (`ENOSPC`, `EIO` …) where LevelDB's words tell it; else the error as it is. */
export function systemError(error: unknown): unknown {
  const status = innermost(error);
  if (errorCode(status) !== 'LEVEL_IO_ERROR' || !(status instanceof Error)) return status;
  const spoken = SPOKEN.find(([words]) => words.test(status.message));
  if (spoken === undefined) return status;
  return Object.assign(new Error(status.message, { cause: status }), { code: spoken[1] });
}

/** What went wrong while doing `what` to the store at `path`, typed. */
export function asBackendError(error: unknown, what: string, path: string): BackendError {
  if (error instanceof BackendError) return error;
  const cause = systemError(error);
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BackendError(code, `${what} ${path}: ${reason}. ${ADVICE[code] ?? ''}`.trimEnd(), { cause, path });
}

function codeOf(cause: unknown): BackendErrorCode {
  const code = errorCode(cause);
  if (code === 'LEVEL_LOCKED') return 'BACKEND_LOCKED';
  if (code === 'LEVEL_CORRUPTION') return 'BACKEND_CORRUPT';
  if (code !== undefined && NOT_WRITABLE.has(code)) return 'BACKEND_READ_ONLY';
  return 'BACKEND_FAILED';
}

const ADVICE: { readonly [code in BackendErrorCode]?: string } = {
  BACKEND_LOCKED: 'Close it there first, or use another path',
  BACKEND_CORRUPT: 'Restore the folder from a snapshot; it was left for inspection',
  BACKEND_READ_ONLY: 'Give this process permission to read and write it, or use another path',
  BACKEND_FAILED: 'Remove the cause and open the store again',
};

/** @param holder who has it, where that is known */
export function lockedError(path: string, cause?: unknown, holder?: string): BackendError {
  const message = `${path} is open already, in ${holder ?? 'this process or another one'}. ${ADVICE.BACKEND_LOCKED}`;
  return new BackendError('BACKEND_LOCKED', message, { cause, path });
}

export function corruptError(file: string, place: string, cause?: unknown): BackendError {
  const message = `${file} is damaged: ${place}. ${ADVICE.BACKEND_CORRUPT}`;
  return new BackendError('BACKEND_CORRUPT', message, { cause, path: file });
}

export function foreignError(path: string, what: string): BackendError {
  const message = `${path} ${what}; it was left as it is. Choose another path for the store`;
  return new BackendError('BACKEND_FOREIGN', message, { path });
}
