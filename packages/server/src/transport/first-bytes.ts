/**
 * What a connection speaks, told by its first bytes: HTTP/2 begins with "PRI", which is no method of HTTP/1, and TLS with a
 * byte that is no letter.
 *
 * SVFB1  The bytes that were looked at are put back: whoever gets the socket reads all of it.
 */
import type { Socket } from 'node:net';

const PREFACE = Buffer.from('PRI');
/** The type of a TLS record that begins a connection; no text begins with it. */
const HANDSHAKE = 0x16;

/** Calls `next` once it is known. A connection that ends before is nobody's. */
export function onProtocol(socket: Socket, next: (protocol: 'h1' | 'h2') => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const isShort = seen.length < PREFACE.length && PREFACE.subarray(0, seen.length).equals(seen);
    if (isShort) return;
    socket.off('data', look);
    socket.pause();
    socket.unshift(seen);
    next(PREFACE.equals(seen.subarray(0, PREFACE.length)) ? 'h2' : 'h1');
  };
  socket.on('data', look);
}

/** Calls `next` once it is known whether the connection begins with a TLS handshake. */
export function onSecurity(socket: Socket, next: (isSecure: boolean) => void): void {
  socket.once('data', (chunk: Buffer) => {
    socket.pause();
    socket.unshift(chunk);
    next(chunk[0] === HANDSHAKE);
  });
}
