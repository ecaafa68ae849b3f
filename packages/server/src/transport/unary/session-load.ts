/**
 * What the unary calls of one connection hold in memory: requests that are not answered yet, and answers that nobody reads.
 *
 * SVSL1  A request has some time to become whole, then it is refused (R101).
 * SVSL2  Requests, whole or not, take so many bytes of a connection until they are answered: the memory that they are in, and something
 *     for each piece. Who sends more is held up by the windows of its streams (R101): what comes of those, 64 KiB of each, waits, in no
 *     more than twice that memory, and counts as soon as its stream goes on. The oldest that is not whole goes on, so that all come to an
 *     end; but not when those that are whole take all of it themselves.
 * SVSL3  Who does not read what it got gets no more: further calls begin, and answers are written, when there is room. A connection
 *     that takes nothing of its large answers for that time is ended (R104). Small ones are bounded by the number of streams.
 * SVSL4  A connection on which far too many calls break the rules, or are taken back, is ended.
 */
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { every, soon } from '../../clock.ts';
import { isLeaving, showOut } from '../show-out.ts';

const MOST_HELD_BYTES = 16 * 1024 * 1024;
/** What a piece of a request takes beside its bytes, of time more than of memory: of pieces of one byte that is nearly all. */
export const PIECE_BYTES = 128;
/** With so many bytes unread, further calls and answers of the connection wait. */
const FULL_BYTES = 8 * 1024 * 1024;
/** What a client takes of each stream without being asked. */
const SMALL_BYTES = 65_535;
/** Between two looks: so many calls may be taken back, or a twentieth of it break the rules; nghttp2 lets 1,000 resets pass at once. */
const MOST_UNRULY = 500;
export const TAKEN_BACK = 1;
export const BROKEN = 20;
/** So many looks in the time that a request has. */
const LOOKS = 6;

/** A call. While its request is not whole it is a link of its connection's chain, which costs nothing to join and to leave. */
export abstract class Loading {
  before: Loading | undefined = undefined;
  behind: Loading | undefined = undefined;
  /** The look at which it began; -1: it is not in the chain. */
  began = -1;
  /** Bytes that count for it. */
  held = 0;
  /** Bytes that came while it was held up, and will count. */
  waiting = 0;

  /** No more of it is let in until `goOn`. It is said again with each piece that comes nevertheless. */
  abstract holdUp(): void;
  abstract goOn(): void;

  abstract refuse(code: number, details: string): void;
}

export class SessionLoad {
  readonly #session: Http2Session;
  #newest: Loading | undefined;
  #oldest: Loading | undefined;
  #held = 0;
  /** What of it is of requests that are whole. */
  #whole = 0;
  /** Calls that are held up, in their order. */
  readonly #heldUp: Set<Loading> = new Set();
  #unread = 0;
  /** The look since which nothing of them was taken. */
  #unreadSince = Infinity;
  #written = 0;
  #look = 0;
  #unruly = 0;
  /** What waits for room, in its order: of each call one thing. */
  readonly #later: Map<Loading, () => void> = new Map();

  constructor(session: Http2Session) {
    this.#session = session;
  }

  begin(call: Loading): void {
    call.began = this.#look;
    call.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.behind = call;
    this.#newest = call;
  }

  /** Its request is whole. */
  complete(call: Loading): void {
    this.#release(call);
    this.#leave(call);
    this.#whole += call.held;
    this.#letOn();
  }

  #leave(call: Loading): void {
    const { before, behind } = call;
    if (before === undefined) this.#oldest = behind;
    else before.behind = behind;
    if (behind === undefined) this.#newest = before;
    else behind.before = before;
    call.before = undefined;
    call.behind = undefined;
    call.began = -1;
  }

  /** Whether what comes of its request does not count yet. */
  isHeldUp(call: Loading): boolean {
    return this.#heldUp.has(call);
  }

  /** A piece of its request is kept until it ends. */
  hold(call: Loading, bytes: number): void {
    if (this.isHeldUp(call)) {
      call.waiting += bytes + PIECE_BYTES;
      call.holdUp();
      return;
    }
    this.#count(call, bytes + PIECE_BYTES);
    if (this.#mayGoOn(call)) return;
    this.#heldUp.add(call);
    call.holdUp();
  }

  #count(call: Loading, bytes: number): void {
    call.held += bytes;
    this.#held += bytes;
  }

  /** It is answered, or nobody waits for it any more. */
  end(call: Loading): void {
    if (call.began < 0) this.#whole -= call.held;
    else this.#leave(call);
    this.#held -= call.held;
    call.held = 0;
    call.waiting = 0;
    this.#later.delete(call);
    this.#release(call);
    this.#letOn();
  }

  #mayGoOn(call: Loading): boolean {
    return this.#held <= MOST_HELD_BYTES || (call === this.#oldest && this.#whole <= MOST_HELD_BYTES);
  }

  /** As many as there is room for, if each sends a window. */
  #letOn(): void {
    if (this.#heldUp.size === 0) return;
    let room = MOST_HELD_BYTES - this.#held;
    for (const call of this.#heldUp) {
      room -= SMALL_BYTES;
      if (room < 0) break;
      this.#release(call);
    }
    const oldest = this.#oldest;
    if (oldest !== undefined && this.#mayGoOn(oldest)) this.#release(oldest);
  }

  #release(call: Loading): void {
    if (!this.#heldUp.delete(call)) return;
    this.#count(call, call.waiting);
    call.waiting = 0;
    call.goOn();
  }

  /** Does the work when there is room for an answer: mostly at once. */
  whenRoom(call: Loading, work: () => void): void {
    if (this.#unread > FULL_BYTES) this.#later.set(call, work);
    else work();
  }

  /** A call broke the rules of gRPC, or its client took it back: each cost more than it costs to send (R99). */
  complain(weight: number): void {
    this.#unruly += weight;
    if (this.#unruly <= MOST_UNRULY || isLeaving(this.#session)) return;
    showOut(this.#session);
    soon(() => this.#refuseAll());
  }

  /** What has come of requests is not kept for who is on its way out. */
  #refuseAll(): void {
    for (let call = this.#newest; call !== undefined;) {
      const { before } = call;
      call.refuse(status.RESOURCE_EXHAUSTED, 'too many calls of the connection have broken the rules');
      call = before;
    }
  }

  send(stream: ServerHttp2Stream, bytes: number): void {
    if (bytes <= SMALL_BYTES) return;
    this.#unread += bytes;
    if (this.#unread > FULL_BYTES) this.#unreadSince = Math.min(this.#unreadSince, this.#look);
    stream.once('close', () => {
      this.#unread -= bytes;
      this.#unreadSince = this.#unread > FULL_BYTES ? this.#look : Infinity;
      for (const [call, work] of this.#later) {
        if (this.#unread > FULL_BYTES) return;
        this.#later.delete(call);
        work();
      }
    });
  }

  look(): void {
    const look = ++this.#look;
    this.#unruly = 0;
    if (this.#unreadSince !== Infinity && !this.#session.destroyed) this.#lookAtReader();
    for (let call = this.#newest; call !== undefined;) {
      const { before, began } = call;
      if (look - began > LOOKS) call.refuse(status.DEADLINE_EXCEEDED, 'the request did not arrive in time');
      call = before;
    }
  }

  /** Who takes something of a large answer, however slowly, is a reader; a few bytes are no more than pings. */
  #lookAtReader(): void {
    const { bytesWritten } = this.#session.socket;
    if (bytesWritten - this.#written > SMALL_BYTES) this.#unreadSince = this.#look;
    this.#written = bytesWritten;
    if (this.#look - this.#unreadSince > LOOKS) this.#session.destroy();
  }
}

/** The loads of all connections. */
export class SessionLoads {
  readonly #bySession: Map<Http2Session, SessionLoad> = new Map();
  readonly #timeoutMs: number;
  #stop: (() => void) | undefined;

  /** @param timeoutMs for a request to become whole, and for answers to be read */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  of(session: Http2Session): SessionLoad {
    const known = this.#bySession.get(session);
    if (known !== undefined) return known;
    const load = new SessionLoad(session);
    this.#bySession.set(session, load);
    this.#stop ??= every(Math.ceil(this.#timeoutMs / LOOKS), () => {
      for (const one of this.#bySession.values()) one.look();
    });
    session.once('close', () => {
      this.#bySession.delete(session);
      if (this.#bySession.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    });
    return load;
  }
}
