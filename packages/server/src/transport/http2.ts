/**
 * HTTP/2 requests that are not gRPC, on connections of grpc-js.
 *
 * SVHT1  What says that it is gRPC stays with grpc-js; anything else is an HTTP request, as over HTTP/1.1. Browsers and curl speak HTTP/2
 *     as soon as there is TLS.
 *
 * etcd: the handler of its secure listener. Departs: without TLS too, where etcd answers 415.
 */
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { Exchange } from './exchange.ts';
import { http2ServersOf, type StreamListener } from './http2-servers.ts';

/** Hands requests over that are not gRPC. Call it when all connection injectors of the server are made. */
export function shareStreams(grpc: Server, handle: (exchange: Exchange) => void): void {
  for (const server of http2ServersOf(grpc)) {
    const own = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, flags, raw) => {
      if (headers['content-type']?.startsWith('application/grpc') === true) {
        for (const listener of own) Reflect.apply(listener, server, [stream, headers, flags, raw]);
        return;
      }
      const request = new Http2ServerRequest(stream, headers, {}, raw);
      const response = new Http2ServerResponse(stream);
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      const { session } = stream;
      handle(new Exchange(request, response, session?.encrypted === true));
    });
  }
}
