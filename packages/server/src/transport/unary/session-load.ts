/**
 * What the unary calls of one connection hold in memory: requests that are not whole yet, and answers that nobody reads.
 *
 * SVSL1  A request has some time to become whole, then it is refused (R101).
 * SVSL2  Parts of requests take so many bytes for a connection at the most: what goes beyond is refused.
 * SVSL3  Who does not read what it got gets no more: further calls begin, and answers are written, when there is room. A connection
 *     that takes nothing of its large answers for that time is ended (R104). Small ones are bounded by the number of streams.
 * SVSL4  A connection on which far too many calls break the rules, or are taken back, is ended.
 */
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { every } from '../../clock.ts';

const MOST_HELD_BYTES = 16 * 1024 * 1024;
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

/** A request that is not whole yet: a link of its connection's chain, which costs nothing to join and to leave. */
export abstract class Waiting {
  before: Waiting | undefined = undefined;
  behind: Waiting | undefined = undefined;
  /** The look at which it began; -1: it does not wait. */
  began = -1;

  abstract refuse(code: number, details: string): void;
}

export class SessionLoad {
  readonly #session: Http2Session;
  #newest: Waiting | undefined;
  #held = 0;
  #unread = 0;
  /** The look since which nothing of them was taken. */
  #unreadSince = Infinity;
  #written = 0;
  #look = 0;
  #unruly = 0;
  /** What waits for room, in its order. */
  readonly #later: (() => void)[] = [];

  constructor(session: Http2Session) {
    this.#session = session;
  }

  begin(call: Waiting): void {
    call.began = this.#look;
    call.before = this.#newest;
    if (this.#newest !== undefined) this.#newest.behind = call;
    this.#newest = call;
  }

  /** Its request is whole, or nobody waits for it any more. @param held bytes of `hold` */
  complete(call: Waiting, held: number): void {
    if (call.began < 0) return;
    const { before, behind } = call;
    if (before !== undefined) before.behind = behind;
    if (behind === undefined) this.#newest = before;
    else behind.before = before;
    call.before = undefined;
    call.behind = undefined;
    call.began = -1;
    this.#held -= held;
  }

  /** Whether so many bytes more of a request may be kept; they count either way. */
  hold(bytes: number): boolean {
    this.#held += bytes;
    return this.#held <= MOST_HELD_BYTES;
  }

  /** Does the work when there is room for an answer: mostly at once. */
  whenRoom(work: () => void): void {
    if (this.#unread > FULL_BYTES) this.#later.push(work);
    else work();
  }

  /** A call broke the rules of gRPC, or its client took it back: each cost more than it costs to send (R99). */
  complain(weight: number): void {
    this.#unruly += weight;
    if (this.#unruly <= MOST_UNRULY || this.#session.destroyed) return;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#session.destroy();
  }

  send(stream: ServerHttp2Stream, bytes: number): void {
    if (bytes <= SMALL_BYTES) return;
    this.#unread += bytes;
    if (this.#unread > FULL_BYTES) this.#unreadSince = Math.min(this.#unreadSince, this.#look);
    stream.once('close', () => {
      this.#unread -= bytes;
      this.#unreadSince = this.#unread > FULL_BYTES ? this.#look : Infinity;
      while (this.#unread <= FULL_BYTES && this.#later.length > 0) this.#later.shift()!();
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
