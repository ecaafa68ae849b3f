/**
 * How a failed call looks over HTTP.
 *
 * SVGF1  The HTTP status follows from gRPC's; the body has its code and its text, twice, as etcd's (C8).
 */
import { status } from '@grpc/grpc-js';
import { writePlain } from './json/write-message.ts';
import type { StatusError } from '../status.ts';
import { statusText } from '../transport/exchange.ts';

const httpStatuses: ReadonlyMap<number, number> = new Map([
  [status.OK, 200],
  [status.CANCELLED, 408],
  [status.INVALID_ARGUMENT, 400],
  [status.DEADLINE_EXCEEDED, 504],
  [status.NOT_FOUND, 404],
  [status.ALREADY_EXISTS, 409],
  [status.PERMISSION_DENIED, 403],
  [status.UNAUTHENTICATED, 401],
  [status.RESOURCE_EXHAUSTED, 429],
  [status.FAILED_PRECONDITION, 412],
  [status.ABORTED, 409],
  [status.OUT_OF_RANGE, 400],
  [status.UNIMPLEMENTED, 501],
  [status.UNAVAILABLE, 503],
]);

/** Unknown, internal and lost data are all 500. */
export function httpStatusOf(code: number): number {
  return httpStatuses.get(code) ?? 500;
}

/** The body of an answer that is an error. */
export function errorBody({ status: code, message }: StatusError): string {
  return writePlain({ error: message, message, code: code === 0 ? undefined : code });
}

/** What stands in a stream that has begun, or would have, instead of a result. */
export function streamErrorBody({ status: code, message }: StatusError): string {
  const http = httpStatusOf(code);
  const error = {
    grpc_code: code === 0 ? undefined : code,
    http_code: http,
    message: message === '' ? undefined : message,
    http_status: statusText(http),
  };
  return writePlain({ error });
}
