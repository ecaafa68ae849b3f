/**
 * The beginning of an HTTP/2 connection, read until its first request, which is mended where Node would not take it.
 *
 *     client   PRI * HTTP/2.0 … SETTINGS                     SETTINGS ack, HEADERS
 *     here                               an empty SETTINGS                          all of it to Node, without the ack
 *
 * SVFH1  Many clients begin a request only when they have heard from the server, so they hear something: settings that set nothing, which
 *     is a server's first frame as well as any. Node's own follow. Node does not know of them, so their ack is taken out.
 * SVFH2  Whoever sends a request at once, or no request for a moment, or no HTTP/2 at all, is Node's then: nothing waits here.
 * SVFH3  What is held is bounded, in bytes and in time (law 9): who does not finish to say hello is shown out (R97).
 *
 * RFC 9113, 3.4, 4.1, 6.2 and 6.5.
 */
import type { Duplex } from 'node:stream';
import { afterInput } from '../clock.ts';
import { mendAuthority } from './authority.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEAD_BYTES = 9;
const [HEADERS, SETTINGS] = [1, 4];
const [ACK, PADDED, PRIORITY] = [0x1, 0x8, 0x20];
const NO_SETTINGS = Buffer.of(0, 0, 0, SETTINGS, 0, 0, 0, 0, 0);
/** A first window of data (65,535 bytes, RFC 9113 6.9.2), and as much again for its heads, headers and other frames. */
const MOST_BYTES = 128 * 1024;
/** How long a request is waited for. */
const MOMENT_MS = 100;

/**
 * Calls `next` when the socket is to be served; what was read is in it again.
 * @param patienceMs how long a client may take to acknowledge
 */
export function onFirstHeaders(socket: Duplex, patienceMs: number, next: () => void): void {
  const beginning = new Beginning();
  let isOver = false;
  let isLate = false;
  const cancelMoment = afterInput(MOMENT_MS, () => {
    isLate = true;
    look();
  });
  const cancelPatience = afterInput(patienceMs, () => socket.destroy());
  const end = (): void => {
    isOver = true;
    cancelMoment();
    cancelPatience();
    socket.off('data', take);
  };
  const look = (): void => {
    if (isOver || beginning.length === 0) return;
    if (beginning.mayGo(isLate)) {
      end();
      socket.pause();
      socket.unshift(beginning.bytes);
      next();
    } else if (beginning.length > MOST_BYTES) {
      socket.destroy();
    } else if (beginning.mustSpeak) {
      beginning.speaks();
      socket.write(NO_SETTINGS);
    }
  };
  const take = (chunk: Buffer): void => {
    beginning.add(chunk);
    look();
  };
  socket.once('close', end);
  socket.on('data', take);
  // It may have been paused to be looked at.
  socket.resume();
}

/** What a client has sent so far. */
class Beginning {
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the next frame begins. */
  #at = PREFACE.length;
  #hasHeaders = false;
  #isForeign = false;
  #spoken: 'no' | 'unheard' | 'heard' = 'no';

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Whether the client waits for the server. */
  get mustSpeak(): boolean {
    return this.#spoken === 'no' && this.#at > PREFACE.length;
  }

  speaks(): void {
    this.#spoken = 'unheard';
  }

  mayGo(isLate: boolean): boolean {
    if (this.#isForeign) return true;
    return this.#spoken === 'unheard' ? false : this.#hasHeaders || (isLate && this.#spoken === 'heard');
  }

  add(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    const known = this.#bytes.subarray(0, PREFACE.length);
    if (!PREFACE.subarray(0, known.length).equals(known)) this.#isForeign = true;
    while (!this.#isForeign && this.#at + HEAD_BYTES <= this.#bytes.length) {
      const end = this.#at + HEAD_BYTES + this.#bytes.readUIntBE(this.#at, 3);
      if (end > this.#bytes.length) return;
      this.#frame(this.#bytes[this.#at + 3]!, this.#bytes[this.#at + 4]!, end);
    }
  }

  #frame(type: number, flags: number, end: number): void {
    const start = this.#at + HEAD_BYTES;
    if (type === SETTINGS && (flags & ACK) !== 0 && this.#spoken === 'unheard') {
      this.#spoken = 'heard';
      this.#bytes = Buffer.concat([this.#bytes.subarray(0, this.#at), this.#bytes.subarray(end)]);
      return;
    }
    if (type === HEADERS && !this.#hasHeaders) {
      this.#hasHeaders = true;
      const skipped = ((flags & PADDED) === 0 ? 0 : 1) + ((flags & PRIORITY) === 0 ? 0 : 5);
      mendAuthority(this.#bytes.subarray(Math.min(start + skipped, end), end));
    }
    this.#at = end;
  }
}
