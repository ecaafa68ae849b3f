/**
 * A unary call as services see it: what grpc-js's own has, made when it is asked for, because most calls ask for nothing.
 *
 * SVUC1  `cancelled` is said once, and only while there is no answer.
 */
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { Metadata, type ServerUnaryCall } from '@grpc/grpc-js';

type GrpcCall = ServerUnaryCall<unknown, unknown>;

/** Headers that are the transport's, not the caller's. */
const reserved = ['grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'accept-encoding', 'te', 'content-type'];

export class UnaryCall extends EventEmitter {
  readonly request: unknown;
  cancelled = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #deadline: number;
  #metadata: Metadata | undefined;

  /** @param deadline milliseconds since 1970; Infinity: none */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, request: unknown, deadline: number) {
    super();
    this.request = request;
    this.#stream = stream;
    this.#headers = headers;
    this.#deadline = deadline;
  }

  get metadata(): Metadata {
    if (this.#metadata === undefined) {
      this.#metadata = Metadata.fromHttp2Headers(this.#headers);
      for (const name of reserved) this.#metadata.remove(name);
    }
    return this.#metadata;
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
  }

  getPath(): string {
    return this.#headers[':path'] ?? '';
  }

  getHost(): string {
    return this.#headers[':authority'] ?? this.#headers.host ?? '';
  }

  getDeadline(): number {
    return this.#deadline;
  }

  getPeer(): string {
    const socket = this.#stream.session?.socket;
    return socket?.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
  }

  getAuthContext(): ReturnType<GrpcCall['getAuthContext']> {
    const socket = this.#stream.session?.socket;
    // The session hands out a stand-in for its socket, which is an instance of the socket's class.
    if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
    const certificate = socket.getPeerCertificate();
    return 'raw' in certificate
      ? { transportSecurityType: 'ssl', sslPeerCertificate: certificate }
      : { transportSecurityType: 'ssl' };
  }

  /** Nobody here sends any before the answer. */
  sendMetadata(): void {}

  getMetricsRecorder(): never {
    throw new TypeError('a unary call records no metrics');
  }
}
