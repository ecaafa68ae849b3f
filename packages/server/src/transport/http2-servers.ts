/**
 * The HTTP/2 servers inside grpc-js, which it shows to nobody.
 *
 * SVHS1  Where grpc-js keeps them otherwise one day, there are none: everything goes on through grpc-js alone, pings are not counted,
 *     and tests of both fail.
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

export type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: string[],
) => void;

/** What this package uses of an HTTP/2 server. */
export interface Http2Server {
  on(event: 'session', listener: (session: ServerHttp2Session) => void): unknown;
  on(event: 'stream', listener: StreamListener): unknown;
  listeners(event: 'stream'): unknown[];
  removeAllListeners(event: 'stream'): unknown;
}

/** Call it when all connection injectors of the server are made. */
export function http2ServersOf(grpc: Server): readonly Http2Server[] {
  const held: unknown = Reflect.get(grpc, 'http2Servers');
  return held instanceof Map ? [...(held as ReadonlyMap<Http2Server, unknown>).keys()] : [];
}
