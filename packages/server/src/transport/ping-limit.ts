/**
 * Clients that ping too often are sent away, as etcd does: pings cost the server, and hide that nobody is asking anything.
 *
 * SVPL1  A ping is bad when the one before it was less than the interval ago. Two bad ones are forgiven, the third ends the
 *     connection with ENHANCE_YOUR_CALM and `too_many_pings`, which clients understand.
 * SVPL2  Whoever gets something sent may ping again: an answer of ours clears the count.
 *
 * etcd: the keepalive policy of its gRPC server (spec server-api.md 1).
 */
import { constants, type ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { after, nowMs } from '../clock.ts';
import { onSessions } from './http2-servers.ts';

const FORGIVEN = 2;
/** An answer to a ping, on the wire. */
const PONG_BYTES = 17;
/** How long a client has to read why. */
const FAREWELL_MS = 100;

/** Watches over the pings of all connections of the server. Call it when all its connection injectors are made. */
export function limitPings(grpc: Server, leastMs: number): void {
  onSessions(grpc, (session) => watchPings(session, leastMs));
}

function watchPings(session: ServerHttp2Session, leastMs: number): void {
  let last = -Infinity;
  let bad = 0;
  let sent = 0;
  session.on('ping', () => {
    const now = nowMs();
    const { bytesWritten } = session.socket;
    if (bytesWritten > sent + PONG_BYTES) bad = 0;
    sent = bytesWritten;
    if (now - last < leastMs) bad++;
    last = now;
    if (bad <= FORGIVEN || session.destroyed) return;
    bad = -Infinity;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    const cancel = after(FAREWELL_MS, () => session.destroy());
    session.once('close', cancel);
  });
}
