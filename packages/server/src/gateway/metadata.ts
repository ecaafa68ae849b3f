/**
 * The headers of a request as the metadata of its call.
 *
 * SVGM1  `Grpc-Metadata-Name` becomes `name`, the headers that everybody knows `grpcgateway-name`, `Authorization` both: so a
 *     token goes by either (spec server-api.md 3). What a header cannot be in gRPC is left out.
 * SVGM2  `Grpc-Timeout` bounds the call.
 *
 * etcd: the runtime of its gateway.
 */
import { Metadata, status } from '@grpc/grpc-js';
import { timeoutMsOf } from '../rpc/timeout.ts';
import { StatusError } from '../status.ts';
import type { RequestHeaders } from '../transport/exchange.ts';
import { fromBase64 } from './json/base64.ts';
import { shortened } from './json/json-error.ts';

const PREFIX = 'grpc-metadata-';
const passedOn: ReadonlySet<string> = new Set([
  ...['accept', 'accept-charset', 'accept-language', 'accept-ranges', 'authorization', 'cache-control', 'content-type'],
  ...['cookie', 'date', 'expect', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match'],
  ...['if-schedule-tag-match', 'if-unmodified-since', 'max-forwards', 'origin', 'pragma', 'referer', 'user-agent'],
  ...['via', 'warning'],
]);

/** @throws StatusError */
export function metadataOf(headers: RequestHeaders, remoteAddress: string | undefined): Metadata {
  const metadata = new Metadata();
  for (const [name, held] of Object.entries(headers)) {
    for (const value of Array.isArray(held) ? held : [held ?? '']) {
      if (name === 'authorization') add(metadata, name, value);
      if (passedOn.has(name)) add(metadata, `grpcgateway-${name}`, value);
      else if (name.startsWith(PREFIX) && name.length > PREFIX.length) addSent(metadata, name, value);
    }
  }
  const host = headers['x-forwarded-host'] ?? headers.host;
  if (typeof host === 'string') add(metadata, 'x-forwarded-host', host);
  const before = headers['x-forwarded-for'];
  if (remoteAddress !== undefined) {
    add(metadata, 'x-forwarded-for', typeof before === 'string' ? `${before}, ${remoteAddress}` : remoteAddress);
  }
  return metadata;
}

function addSent(metadata: Metadata, name: string, value: string): void {
  if (!name.endsWith('-bin')) return add(metadata, name.slice(PREFIX.length), value);
  try {
    const padded = value.padEnd(Math.ceil(value.length / 4) * 4, '=');
    metadata.add(name.slice(PREFIX.length), fromBase64(Buffer.from(padded, 'latin1')));
  } catch (error) {
    const text = `invalid binary header ${canonical(name)}: ${error instanceof Error ? error.message : ''}`;
    throw new StatusError(status.INVALID_ARGUMENT, text, { cause: error });
  }
}

function add(metadata: Metadata, name: string, value: string): void {
  try {
    metadata.add(name, value);
  } catch {
    // Not a header that gRPC has.
  }
}

function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** What the gateway takes beyond what gRPC does: a sign, and more digits. */
const DIGITS = /^[+-]?[0-9]{1,18}$/;

/** How long the call may take, in milliseconds; undefined: as long as it takes. @throws StatusError */
export function timeoutOf(headers: RequestHeaders): number | undefined {
  const text = headers['grpc-timeout'];
  if (typeof text !== 'string' || text === '') return undefined;
  const timeoutMs = timeoutMsOf(text, DIGITS);
  if (timeoutMs === undefined) {
    throw new StatusError(status.INVALID_ARGUMENT, `invalid grpc-timeout: ${shortened(text)}`);
  }
  return timeoutMs === 0 || timeoutMs === Infinity ? undefined : timeoutMs;
}
