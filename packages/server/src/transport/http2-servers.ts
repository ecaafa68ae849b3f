/**
 * The HTTP/2 servers inside grpc-js, which it shows to nobody.
 *
 * SVHS1  Where grpc-js keeps them otherwise one day, there are none: everything goes on through grpc-js alone, pings are not counted,
 *     and tests of both fail.
 * SVHS2  A stream is taken by the first who wants it; what nobody wants is grpc-js's, in its turn: to open one costs it as much as a call (R99).
 *     One that has ended before its turn is nobody's.
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import type { Turns } from '../fair/turns.ts';
import { peerOf } from './peer.ts';

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => void;

/** Takes a stream, or leaves it. @returns whether it was taken */
export type StreamTaker = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]) => boolean;

/** What this package uses of an HTTP/2 server. */
interface Http2Server {
  on(event: 'session', listener: (session: ServerHttp2Session) => void): unknown;
  on(event: 'stream', listener: StreamListener): unknown;
  listeners(event: 'stream'): unknown[];
  removeAllListeners(event: 'stream'): unknown;
}

/** Call it when all connection injectors of the server are made. */
export function onSessions(grpc: Server, watch: (session: ServerHttp2Session) => void): void {
  for (const server of http2ServersOf(grpc)) server.on('session', watch);
}

/** Asks the takers, in their order, about each stream. Call it once, when all connection injectors of the server are made. */
export function onStreams(grpc: Server, takers: readonly StreamTaker[], turns: Turns): void {
  for (const server of http2ServersOf(grpc)) {
    const own = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, flags, raw) => {
      for (const take of takers) if (take(stream, headers, raw)) return;
      stream.on('error', () => undefined);
      turns.run(
        () => peerOf(stream.session?.socket?.remoteAddress, stream.session?.socket?.remotePort),
        () => {
          if (stream.destroyed || stream.closed) return;
          for (const listener of own) Reflect.apply(listener, server, [stream, headers, flags, raw]);
        },
      );
    });
  }
}

function http2ServersOf(grpc: Server): readonly Http2Server[] {
  const held: unknown = Reflect.get(grpc, 'http2Servers');
  return held instanceof Map ? [...(held as ReadonlyMap<Http2Server, unknown>).keys()] : [];
}
