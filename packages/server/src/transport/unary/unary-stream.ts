/**
 * A unary call on an HTTP/2 stream, without the layers that grpc-js puts between the two: they took a third of a call.
 *
 *     headers ──> message, whole ──> run ──> headers + message ──> trailers
 *         └──────────── refused: headers that are trailers, at once ────┘
 *
 * SVUS1  What announces itself as too large is refused when its length is known, and nothing of it is kept (R102). What is
 *     compressed is refused: nothing is inflated (R103). So is what comes in pieces that take more memory than the request (R101).
 * SVUS2  An answer is sent once: that of the method, a refusal, or none because the client has gone. What the method does when the
 *     deadline has passed is its own affair; nobody hears of it (R107).
 * SVUS3  While a stream is held up, what comes is taken and counted as before, but its window is not opened again: that is at most the
 *     64 KiB of it. Node alone would keep each frame of that as an object, and count none.
 *
 * Messages on the wire: one byte (1: compressed), length in four bytes, message.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { status } from '@grpc/grpc-js';
import { after, soon } from '../../clock.ts';
import type { Turns } from '../../fair/turns.ts';
import type { UnaryHandler } from '../../rpc/calls.ts';
import { timeoutMsOf } from '../../rpc/timeout.ts';
import { refusals, StatusError } from '../../status.ts';
import { peerOf } from '../peer.ts';
import { RequestBytes } from './request-bytes.ts';
import { BROKEN, Loading, PIECE_BYTES, TAKEN_BACK, type SessionLoad } from './session-load.ts';
import { UnaryCall } from './unary-call.ts';

/** A method that is called this way. */
export interface UnaryMethod {
  readonly handler: UnaryHandler<unknown, unknown>;
  readonly read: (bytes: Buffer) => unknown;
  readonly write: (answer: unknown) => Buffer;
}

/** What holds it back. */
export interface UnaryBounds {
  readonly load: SessionLoad;
  readonly turns: Turns;
  /** Of a message. */
  readonly mostBytes: number;
}

const PREFIX = 5;
const NOTHING = Buffer.alloc(0);
/** What a stream does with its bytes when nothing holds it up. */
const pushTo = (stream: Readable, bytes: Buffer | null): boolean => Readable.prototype.push.call(stream, bytes);
/** What the pieces of a request may take beyond what is in them: a thousand may be of one byte. */
const MOST_LOST_BYTES = 128 * 1024;
const answerHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const answerOptions = { waitForTrailers: true };
const okTrailers = { 'grpc-status': '0', 'grpc-message': '' };
/** What the number of a `grpc-timeout` may look like. */
const DIGITS = /^\d{1,8}$/;

export class UnaryStream extends Loading {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: UnaryMethod;
  readonly #load: SessionLoad;
  readonly #turns: Turns;
  readonly #mostBytes: number;
  readonly #request: RequestBytes = new RequestBytes();
  /** Bytes that it will have, once its prefix has come. */
  #announced = Infinity;
  #pieces = 0;
  #isHeldUp = false;
  #stopTimer: (() => void) | undefined;
  #call: UnaryCall | undefined;
  #answered = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    method: UnaryMethod,
    { load, turns, mostBytes }: UnaryBounds,
  ) {
    super();
    this.#stream = stream;
    this.#headers = headers;
    this.#method = method;
    this.#load = load;
    this.#turns = turns;
    this.#mostBytes = mostBytes;
    // Whatever breaks a stream closes it, and that is heard of.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#closed());
    // One that is held up closes only when it is read again. Not at once: this is said from within nghttp2, where no session may be ended.
    stream.on('aborted', () => soon(() => this.#closed()));
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
    stream.on('end', () => this.#run());
    load.begin(this);
    const timeout = headers['grpc-timeout'];
    if (timeout !== undefined) this.#startTimer(String(timeout));
  }

  /** Refuses the call, unless it is answered. */
  refuse(code: number, details: string): void {
    if (!this.#finish()) return;
    const trailers = { ...answerHeaders, 'grpc-status': String(code), 'grpc-message': encodeMessage(details) };
    const stream = this.#stream;
    this.#send(() => {
      stream.respond(trailers, { endStream: true });
      // Whoever is still sending is told to stop.
      if (stream.readableEnded) return;
      stream.close(constants.NGHTTP2_NO_ERROR);
      this.#load.complain(BROKEN);
    });
  }

  holdUp(): void {
    const stream = this.#stream;
    // What Node has of it already comes first: it is on its way.
    if (this.#isHeldUp || stream.readableLength > 0) return;
    this.#isHeldUp = true;
    stream.pause();
    // A stream that says "no more" gives back no window until it is read.
    stream.push = (bytes: Buffer | null) => {
      if (bytes === null) return pushTo(stream, null);
      this.#take(bytes);
      return false;
    };
    stream._read = () => undefined;
  }

  goOn(): void {
    if (!this.#isHeldUp) return;
    this.#isHeldUp = false;
    const stream = this.#stream;
    Reflect.deleteProperty(stream, 'push');
    Reflect.deleteProperty(stream, '_read');
    // The read that is under way ends with nothing, so that another one begins, which opens the window.
    if (!stream.destroyed) stream.push(NOTHING);
    stream.resume();
  }

  #refuse(error: StatusError): void {
    this.refuse(error.status, error.message);
  }

  #startTimer(text: string): void {
    const ms = timeoutMsOf(text, DIGITS);
    if (ms === undefined) {
      this.refuse(status.INTERNAL, `malformed grpc-timeout: ${text}`);
      return;
    }
    if (ms === Infinity) return;
    this.#stopTimer = after(ms, () => {
      const call = this.#call;
      this.#refuse(refusals.deadline());
      call?.cancel();
    });
  }

  #take(bytes: Buffer): void {
    if (this.#answered) return;
    const request = this.#request;
    const { taken } = request;
    request.add(bytes, this.#announced, !this.#load.isHeldUp(this));
    this.#pieces++;
    this.#load.hold(this, request.taken - taken);
    if (this.#pieces * PIECE_BYTES > request.size + MOST_LOST_BYTES) {
      this.refuse(status.RESOURCE_EXHAUSTED, 'the request comes in too many pieces');
      return;
    }
    if (request.size < PREFIX) return;
    if (this.#announced === Infinity) this.#readPrefix(request.whole);
    if (request.size > this.#announced) this.refuse(status.UNIMPLEMENTED, 'a unary call has one message');
  }

  #readPrefix(whole: Buffer): void {
    const announced = whole.readUInt32BE(1);
    this.#announced = PREFIX + announced;
    if (whole[0] !== 0) {
      this.#refuse(refusals.encoding(String(this.#headers['grpc-encoding'] ?? 'identity')));
    } else if (announced > this.#mostBytes) {
      this.#refuse(refusals.messageTooLarge(announced, this.#mostBytes));
    }
  }

  #run(): void {
    if (this.#answered) return;
    const { whole } = this.#request;
    this.#request.clear();
    if (whole.length < PREFIX || whole.length !== PREFIX + whole.readUInt32BE(1)) {
      this.refuse(status.INTERNAL, 'the request has ended before its message');
      this.#load.complain(BROKEN);
      return;
    }
    this.#load.complete(this);
    this.#load.whenRoom(this, () =>
      this.#turns.run(
        () => this.#peer(),
        () => this.#begin(whole),
      ),
    );
  }

  #peer(): string {
    const socket = this.#stream.session?.socket;
    return peerOf(socket?.remoteAddress, socket?.remotePort);
  }

  #begin(whole: Buffer): void {
    if (this.#answered || this.#isGone()) return;
    let request: unknown;
    try {
      request = this.#method.read(whole.subarray(PREFIX));
    } catch (error) {
      if (error instanceof StatusError) this.#refuse(error);
      else this.refuse(status.INTERNAL, 'the request is not the message of its method');
      return;
    }
    const call = new UnaryCall(this.#stream, this.#headers, request);
    this.#call = call;
    this.#method.handler(call, (error, answer) => {
      // Answers that nobody has room for wait as what they are made from, which others have, too.
      if (error === null || error === undefined) this.#load.whenRoom(this, () => this.#answer(answer));
      else this.refuse(error.code ?? status.UNKNOWN, error.details ?? 'unknown');
    });
  }

  #answer(answer: unknown): void {
    if (this.#answered || this.#isGone()) return;
    let frame: Buffer;
    try {
      frame = framed(this.#method.write(answer));
    } catch {
      this.refuse(status.INTERNAL, 'the answer cannot be written');
      return;
    }
    if (!this.#finish()) return;
    const stream = this.#stream;
    this.#load.send(stream, frame.length);
    this.#send(() => {
      stream.respond(answerHeaders, answerOptions);
      stream.on('wantTrailers', sendOk);
      stream.end(frame);
    });
  }

  /** A stream can break at any moment, also between a look at it and a write. */
  #send(write: () => void): void {
    try {
      write();
    } catch {
      this.#stream.destroy();
    }
  }

  /** Whether there is somebody who can still be answered, for the last time. */
  #finish(): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    this.#letGo();
    return !this.#isGone();
  }

  /** Nobody is there to be answered; the stream says so itself a little later. */
  #isGone(): boolean {
    const { destroyed, closed, session } = this.#stream;
    return destroyed || closed || session === undefined || session.destroyed;
  }

  #closed(): void {
    if (this.#answered) return;
    this.#answered = true;
    const call = this.#call;
    this.#letGo();
    this.#load.complain(TAKEN_BACK);
    call?.cancel();
  }

  /** Nothing of the request is needed any more. */
  #letGo(): void {
    this.#stopTimer?.();
    this.#load.end(this);
    this.#request.clear();
    this.#call = undefined;
  }
}

function sendOk(this: ServerHttp2Stream): void {
  if (!this.destroyed && !this.closed) this.sendTrailers(okTrailers);
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX);
  return frame;
}

/** As trailers carry text: printable ASCII as it is, the rest of its UTF-8 as %XX. */
export function encodeMessage(details: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(details)) return details;
  let text = '';
  for (const byte of Buffer.from(details)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    text += isPlain ? String.fromCodePoint(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
