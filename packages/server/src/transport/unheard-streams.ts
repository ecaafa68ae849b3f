/**
 * Connections whose requests Node refuses before anybody hears of them are ended: those with too many headers, or too large ones.
 *
 *     HEADERS ──> nghttp2 unpacks all of it ──> within bounds: a stream, which is heard of
 *                                         └──> not: RST_STREAM, and not a word; 8,000 headers in as many bytes take half a millisecond
 *
 * SVUH1  A stream that is not heard of is one that nghttp2 has counted and Node has not told of. A second has room for some: a client
 *     may leave out numbers. Who has more is shown out (R99).
 * SVUH2  What is looked at costs next to nothing: connections by which something large has come, often while that is so.
 */
import type { ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { after, nowMs } from '../clock.ts';
import { onSessions, type StreamTaker } from './http2-servers.ts';
import { isLeaving, showOut } from './show-out.ts';

/** Streams in a second. */
const MOST_UNHEARD = 20;
const SECOND_MS = 1000;
const BUSY_MS = 10;
const QUIET_MS = 250;
/** A connection by which less has come since it was looked at has done nothing that would be worth a look. */
const LITTLE_BYTES = 2048;

interface Heard {
  streams: number;
  /** Bytes that had come when it was looked at. */
  bytes: number;
  /** Streams that were not heard of before this second. */
  before: number;
  sinceMs: number;
}

/** Watches over all connections of the server, and is its first taker: streams of who is shown out end here. Call it when all its connection injectors are made. */
export function limitUnheard(grpc: Server): StreamTaker {
  const sessions = new Map<ServerHttp2Session, Heard>();
  let cancel: (() => void) | undefined;
  let isHurried = false;
  const lookIn = (ms: number): void => {
    isHurried = ms === BUSY_MS;
    cancel?.();
    cancel = after(ms, look);
  };
  const look = (): void => {
    let isBusy = false;
    const now = nowMs();
    for (const [session, heard] of sessions) if (lookAt(session, heard, now)) isBusy = true;
    lookIn(isBusy ? BUSY_MS : QUIET_MS);
  };
  onSessions(grpc, (session) => {
    sessions.set(session, { streams: 0, bytes: 0, before: 0, sinceMs: nowMs() });
    if (!isHurried) lookIn(BUSY_MS);
    session.once('close', () => {
      sessions.delete(session);
      if (sessions.size > 0) return;
      cancel?.();
      cancel = undefined;
      isHurried = false;
    });
  });
  return (stream) => {
    const { session } = stream;
    if (isLeaving(session)) {
      stream.on('error', () => undefined);
      return true;
    }
    const heard = session === undefined ? undefined : sessions.get(session as ServerHttp2Session);
    if (heard !== undefined) heard.streams++;
    return false;
  };
}

/** Whether something has come. */
function lookAt(session: ServerHttp2Session, heard: Heard, now: number): boolean {
  if (session.destroyed) return false;
  const { bytesRead } = session.socket;
  if (bytesRead - heard.bytes < LITTLE_BYTES) return false;
  heard.bytes = bytesRead;
  // Clients number their streams 1, 3, 5.
  const unheard = ((session.state.lastProcStreamID ?? 0) + 1) / 2 - heard.streams;
  if (unheard - heard.before > MOST_UNHEARD) showOut(session);
  if (now - heard.sinceMs > SECOND_MS) {
    heard.sinceMs = now;
    heard.before = unheard;
  }
  return true;
}
