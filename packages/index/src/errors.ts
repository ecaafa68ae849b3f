/** Errors of this package. Codes are stable within a major version, messages are not. */

/** `INDEX_CORRUPT`: revisions are out of order, or a structural rule is broken: the records that the index was built from are damaged. */
export type IndexErrorCode = 'INDEX_CORRUPT';

/** An error of this package: check `code`, never the message. */
export class IndexError extends Error {
  readonly code: IndexErrorCode;

  constructor(code: IndexErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexError';
    this.code = code;
  }
}
