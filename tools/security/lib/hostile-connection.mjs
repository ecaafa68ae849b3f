// @ts-check
/** One connection of an attacker: writes as fast as it is let, reads and forgets, and comes back when it is shown out. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { preface, settings } from './frames.mjs';

export class HostileConnection {
  #port;
  /** @type {import('node:net').Socket | undefined} */
  #socket;
  #greeting;
  /** How often it was shown out. */
  ends = 0;
  /** The next stream that this side may open. */
  stream = 1;

  /** @param {number} port @param {Buffer} [greeting] the first bytes of each connection */
  constructor(port, greeting = Buffer.concat([preface, settings()])) {
    this.#port = port;
    this.#greeting = greeting;
  }

  /** Opens a connection, unless one is open. Another one begins at stream 1. */
  async open() {
    if (this.#socket !== undefined && !this.#socket.destroyed) return;
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => (this.ends += 1));
    socket.on('end', () => socket.destroy());
    socket.resume();
    this.#socket = socket;
    this.stream = 1;
    await firstOf(socket, ['connect', 'close']);
    if (!socket.destroyed) socket.write(this.#greeting);
  }

  get isOpen() {
    return this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable;
  }

  /** Stops reading: what the server sends stays in its memory and the kernel's. */
  pause() {
    this.#socket?.pause();
  }

  /** Resolves when more may be written; waits for nobody who is gone. @param {Buffer} bytes */
  async write(bytes) {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed || !socket.writable) return;
    if (socket.write(bytes)) return;
    await firstOf(socket, ['drain', 'close'], 200);
  }

  close() {
    this.#socket?.destroy();
  }
}

/**
 * Resolves at the first of the events, when the socket has an error, which it may, or after a while; and listens no longer.
 *
 * @param {import('node:net').Socket} socket
 * @param {readonly string[]} events
 * @param {number} [mostMs]
 */
async function firstOf(socket, events, mostMs) {
  const over = new AbortController();
  const timer = mostMs === undefined ? undefined : setTimeout(() => over.abort(), mostMs);
  const { signal } = over;
  await Promise.race(events.map((event) => once(socket, event, { signal }).catch(() => undefined)));
  clearTimeout(timer);
  over.abort();
}
