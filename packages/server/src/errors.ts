/** Errors of this package. Codes are stable within a major version, messages are not. What clients get is in status.ts. */

/**
 * - `SERVER_LISTEN` the address cannot be listened on, or a Unix socket is somebody's already; the cause says why
 * - `SERVER_DATA` a row that the server keeps in the store cannot be read
 */
export type ServerErrorCode = 'SERVER_LISTEN' | 'SERVER_DATA';

/** Why there is no server: where it should listen, or what it found in the store. */
export class ServerError extends Error {
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerError';
    this.code = code;
  }
}
