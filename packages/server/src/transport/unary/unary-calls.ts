/**
 * Takes unary calls before grpc-js does, and leaves everything else to it.
 *
 * SVUD1  Streams of messages, unknown methods and requests that are not gRPC are for others.
 * SVUD2  No call of any kind comes through with an encoding: nothing is inflated (R103).
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Turns } from '../../fair/turns.ts';
import { refusals, type StatusError } from '../../status.ts';
import { isGrpc } from '../http2.ts';
import type { StreamTaker } from '../http2-servers.ts';
import { SessionLoads } from './session-load.ts';
import { encodeMessage, UnaryStream, type UnaryMethod } from './unary-stream.ts';

export interface UnaryCallsOptions {
  /** Bytes of a message. */
  readonly messageBytes: number;
  readonly requestTimeoutMs: number;
  readonly turns: Turns;
}

/** @param methodAt by path; undefined: not one of ours */
export function unaryStreams(
  methodAt: (path: string) => UnaryMethod | undefined,
  { messageBytes, requestTimeoutMs, turns }: UnaryCallsOptions,
): StreamTaker {
  const loads = new SessionLoads(requestTimeoutMs);
  return (stream, headers) => {
    if (!isGrpc(headers)) return false;
    const encoding = headers['grpc-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      refuse(stream, refusals.encoding(String(encoding)));
      return true;
    }
    const method = methodAt(headers[':path'] ?? '');
    if (method === undefined || stream.session === undefined) return false;
    void new UnaryStream(stream, headers, method, { load: loads.of(stream.session), turns, mostBytes: messageBytes });
    return true;
  };
}

function refuse(stream: ServerHttp2Stream, { status, message }: StatusError): void {
  stream.on('error', () => undefined);
  const trailers = { 'grpc-status': String(status), 'grpc-message': encodeMessage(message) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
