/**
 * One HTTP request and its answer, over HTTP/1.1 or HTTP/2.
 *
 * SVEX1  It is answered once: whole with its length, or as a stream that begins with its first write.
 * SVEX2  A request that is too large is answered while it comes, and its connection closed.
 */
import {
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';
import { peerOf } from './peer.ts';

const TOO_LARGE = 429;

/** By name, in lower case. */
export type RequestHeaders = IncomingHttpHeaders;

/** `Not Found` for 404. */
export function statusText(status: number): string | undefined {
  return STATUS_CODES[status];
}

/** What both kinds of response have. */
interface Response {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed?: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  write(chunk: Uint8Array | string): boolean;
  end(chunk?: Uint8Array | string): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

export class Exchange {
  readonly #request: IncomingMessage | Http2ServerRequest;
  readonly #response: Response;
  readonly #isHttp2: boolean;
  /** Whether it came over TLS. */
  readonly isSecure: boolean;

  constructor(
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    isSecure: boolean,
  ) {
    this.#request = request;
    this.#response = response;
    this.#isHttp2 = request.httpVersionMajor === 2;
    this.isSecure = isSecure;
  }

  get method(): string {
    return this.#request.method ?? '';
  }

  /** As it was asked for. */
  get target(): string {
    return this.#request.url ?? '';
  }

  get headers(): RequestHeaders {
    return this.#request.headers;
  }

  get host(): string {
    const authority = this.#request.headers[':authority'];
    return typeof authority === 'string' ? authority : (this.#request.headers.host ?? '');
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket?.remoteAddress;
  }

  /** Who calls: its address and port. */
  get peer(): string {
    const { socket } = this.#request;
    return peerOf(socket?.remoteAddress, socket?.remotePort);
  }

  /** The address of this machine that was called; undefined: none, or the client has gone. */
  get localAddress(): string | undefined {
    return this.#request.socket?.localAddress;
  }

  get body(): Readable {
    return this.#request;
  }

  /** Whether something of the answer was sent. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** A header that the answer has, whatever it will be. */
  set(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  /** Calls it when nobody is there for the answer any more. */
  onLost(run: () => void): void {
    this.#response.once('close', () => {
      if (!this.#response.writableEnded) run();
    });
  }

  /** An answer for people. */
  text(status: number, text: string, type = 'text/plain; charset=utf-8'): void {
    const headers =
      type.startsWith('text/plain; charset') && status >= 400 ? { 'x-content-type-options': 'nosniff' } : {};
    this.#answer(status, text, { ...headers, 'content-type': type });
  }

  json(status: number, json: string, headers: OutgoingHttpHeaders): void {
    this.#answer(status, json, { 'content-type': 'application/json', ...headers });
  }

  /** An answer without a body. */
  empty(status: number, headers: OutgoingHttpHeaders): void {
    this.#answer(status, '', headers);
  }

  /** A piece of a stream, as one chunk. @param done called when there is room for another, or nobody there for it */
  write(chunk: Uint8Array, headers: OutgoingHttpHeaders, done: () => void): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed === true) return done();
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json', ...headers });
    if (response.write(chunk)) return done();
    const next = (): void => {
      response.off('drain', next);
      response.off('close', next);
      done();
    };
    response.once('drain', next);
    response.once('close', next);
  }

  /** Ends a stream, with a last piece. */
  finish(text: string): void {
    const response = this.#response;
    if (response.writableEnded) return;
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
    if (text === '') response.end();
    else response.end(text);
  }

  /** Hangs up. */
  destroy(): void {
    if ('stream' in this.#request) this.#request.stream.close();
    else this.#request.socket.destroy();
  }

  #answer(status: number, text: string, headers: OutgoingHttpHeaders): void {
    if (this.#response.headersSent) return;
    const body = Buffer.from(text);
    const isCut = status === TOO_LARGE && !this.#isHttp2 && !this.#request.complete;
    const closing = isCut ? { connection: 'close' } : {};
    this.#response.writeHead(status, { ...headers, ...closing, 'content-length': body.length });
    this.#response.end(this.method === 'HEAD' ? undefined : body);
  }
}
