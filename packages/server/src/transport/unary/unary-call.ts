/**
 * A unary call as services see it, its metadata made when they are asked for, because most calls ask for nothing.
 *
 * SVUC1  `cancelled` is said once, and only while there is no answer.
 */
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import type { AnyCall, Requested } from '../../rpc/calls.ts';
import { peerOf } from '../peer.ts';

/** Headers that are the transport's, not the caller's. */
const reserved = ['grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'accept-encoding', 'te', 'content-type'];

export class UnaryCall extends EventEmitter implements Requested<unknown> {
  readonly request: unknown;
  cancelled = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #metadata: Metadata | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, request: unknown) {
    super();
    this.request = request;
    this.#stream = stream;
    this.#headers = headers;
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

  getPeer(): string {
    const socket = this.#stream.session?.socket;
    return peerOf(socket?.remoteAddress, socket?.remotePort);
  }

  getAuthContext(): ReturnType<AnyCall['getAuthContext']> {
    const socket = this.#stream.session?.socket;
    // The session hands out a stand-in for its socket, which is an instance of the socket's class.
    if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
    const certificate = socket.getPeerCertificate();
    return 'raw' in certificate
      ? { transportSecurityType: 'ssl', sslPeerCertificate: certificate }
      : { transportSecurityType: 'ssl' };
  }
}
