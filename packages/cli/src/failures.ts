/** What a program says when it fails: one line, and an exit code. */

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OTHER = 1;
const WRONG_USAGE = 2;

const exitCodes: Readonly<Record<string, number>> = {
  BACKEND_LOCKED: 3,
  BACKEND_NOT_FOUND: 4,
  BACKEND_FOREIGN: 4,
  BACKEND_CORRUPT: 5,
  MVCC_CORRUPT: 5,
  INDEX_CORRUPT: 5,
  LEASE_CORRUPT: 5,
  SERVER_DATA: 5,
  BACKEND_VERSION: 6,
};

/** 1 other, 2 usage, 3 locked, 4 nothing there, or no store, 5 damaged, 6 version (R122). */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return WRONG_USAGE;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof code === 'string' ? exitCodes[code] : undefined) ?? OTHER;
}

/** The message in one line that no terminal obeys. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
