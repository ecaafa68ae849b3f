/** Errors of this package. Codes are stable within a major version, messages are not. */

/** `INDEX_CORRUPT`: revisions out of order or a structural rule broken; the records below are damaged. */
export type IndexErrorCode = 'INDEX_CORRUPT';

export class IndexError extends Error {
  readonly code: IndexErrorCode;

  constructor(code: IndexErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexError';
    this.code = code;
  }
}
