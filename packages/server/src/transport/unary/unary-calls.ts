/**
 * Takes unary calls before grpc-js does, and leaves everything else to it.
 *
 * SVUD1  Streams of messages, unknown methods and requests that are not gRPC are grpc-js's.
 * SVUD2  No call of any kind comes through with an encoding: nothing is inflated (R103).
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { status, type Server } from '@grpc/grpc-js';
import { http2ServersOf, type StreamListener } from '../http2-servers.ts';
import { SessionLoads } from './session-load.ts';
import { encodeMessage, UnaryStream, type UnaryMethod } from './unary-stream.ts';

export interface UnaryCallsOptions {
  /** Bytes of a message. */
  readonly messageBytes: number;
  readonly requestTimeoutMs: number;
}

/** Call it when all connection injectors of the server are made. @param methodAt by path; undefined: not one of ours */
export function takeUnaryCalls(
  grpc: Server,
  methodAt: (path: string) => UnaryMethod | undefined,
  { messageBytes, requestTimeoutMs }: UnaryCallsOptions,
): void {
  const loads = new SessionLoads(requestTimeoutMs);
  const take = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    if (headers['content-type']?.startsWith('application/grpc') !== true) return false;
    const encoding = headers['grpc-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      refuseEncoding(stream, String(encoding));
      return true;
    }
    const method = methodAt(headers[':path'] ?? '');
    if (method === undefined || stream.session === undefined) return false;
    void new UnaryStream(stream, headers, method, loads.of(stream.session), messageBytes);
    return true;
  };
  for (const server of http2ServersOf(grpc)) {
    const others = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, flags, raw) => {
      if (take(stream, headers)) return;
      for (const other of others) other(stream, headers, flags, raw);
    });
  }
}

function refuseEncoding(stream: ServerHttp2Stream, encoding: string): void {
  stream.on('error', () => undefined);
  const details = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
  const trailers = { 'grpc-status': String(status.UNIMPLEMENTED), 'grpc-message': encodeMessage(details) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
