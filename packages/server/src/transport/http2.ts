/**
 * HTTP/2 requests that are not gRPC, on connections of grpc-js.
 *
 * SVHT1  What says that it is gRPC is not taken; anything else is an HTTP request, as over HTTP/1.1. Browsers and curl speak HTTP/2
 *     as soon as there is TLS.
 *
 * etcd: the handler of its secure listener. Departs: without TLS too, where etcd answers 415.
 */
import { Http2ServerRequest, Http2ServerResponse, type IncomingHttpHeaders } from 'node:http2';
import { Exchange } from './exchange.ts';
import type { Front } from './front.ts';
import type { StreamTaker } from './http2-servers.ts';

export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true;
}

/** Hands requests that are not gRPC to the front. */
export function httpStreams(front: Front): StreamTaker {
  return (stream, headers, raw) => {
    if (isGrpc(headers)) return false;
    const request = new Http2ServerRequest(stream, headers, {}, raw);
    const response = new Http2ServerResponse(stream);
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    front.handle(new Exchange(request, response, stream.session?.encrypted === true));
    return true;
  };
}
