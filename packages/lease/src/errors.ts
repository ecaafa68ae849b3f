/** Errors of this package. Codes are stable within a major version, messages are not. */

/**
 * - `LEASE_NOT_FOUND` there is no lease of that id: never granted, revoked, or run out
 * - `LEASE_EXISTS` there is a lease of that id already
 * - `LEASE_TTL_TOO_LARGE` a TTL of more than `maxTtl` seconds
 * - `LEASE_NOT_PRIMARY` this lessor may not renew leases now: it is not promoted, or it has closed
 * - `LEASE_CORRUPT` a row of the lease bucket cannot be decoded; the message names it
 * - `LEASE_CLOSED` called after `close`
 */
export type LeaseErrorCode =
  | 'LEASE_NOT_FOUND'
  | 'LEASE_EXISTS'
  | 'LEASE_TTL_TOO_LARGE'
  | 'LEASE_NOT_PRIMARY'
  | 'LEASE_CORRUPT'
  | 'LEASE_CLOSED';

/** An error of this package: check `code`, never the message. */
export class LeaseError extends Error {
  readonly code: LeaseErrorCode;

  constructor(code: LeaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LeaseError';
    this.code = code;
  }
}

/** An id as etcdctl prints it: 16 hex digits. */
export function printId(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0');
}

export function notFound(id: bigint): LeaseError {
  return new LeaseError(
    'LEASE_NOT_FOUND',
    `there is no lease ${printId(id)}: it was revoked, has run out, or never was`,
  );
}

export function lost(id: bigint): LeaseError {
  return new LeaseError('LEASE_NOT_FOUND', `the lease ${printId(id)} is lost: it has run out or was revoked`);
}

export function notPrimary(): LeaseError {
  return new LeaseError(
    'LEASE_NOT_PRIMARY',
    'this lessor is not primary: it may not renew leases until it is promoted',
  );
}

export function closed(): LeaseError {
  return new LeaseError('LEASE_CLOSED', 'the lessor is closed');
}
