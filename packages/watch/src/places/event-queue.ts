/**
 * The one queue of a stream: a ring of responses, bounded, with a place for the one consumer that waits.
 *
 * EQ1  `offer` never waits and never grows the queue beyond its capacity; a response goes in whole or not at all.
 * EQ2  First in, first out. A response goes straight to a consumer that waits, if there is none before it.
 * EQ3  It calls nobody: the stream takes responses out, and tells those who wait for room (`waiters`).
 * EQ4  History is taken in only while little of it is unread (`HISTORY_BYTES`): a queue of 128 batches of 1000 large
 *     values each would be bounded in name only (law 9).
 * EQ5  What progress says of all watchers is said when it is read: until then it is an entry that the stream can hold
 *     back, which is never handed straight to a consumer.
 * EQ6  Equal events for many watchers of the stream are one entry, and the responses are made as they are taken: they count
 *     as responses, and cost memory as one.
 *
 * etcd: server/storage/mvcc/watcher.go, the channel. Departs: EQ4, EQ5, EQ6.
 */
import { onAbort } from '@varve/base/abort';
import type { Event, WatchResponse } from '../watchable-store.ts';
import { Waiters } from './waiters.ts';

/** Bytes of history a queue may hold unread before it gets no more. */
const HISTORY_BYTES = 4 * 1024 * 1024;
const SMALLEST_RING = 4;

/** The same events for many watchers of the stream, of which the consumer has had those before `next`. */
interface Fanned {
  readonly type: 'fanned';
  readonly ids: readonly number[];
  next: number;
  readonly end: number;
  readonly events: readonly Event[];
  readonly revision: number;
}

/** Progress of all watchers that there were when so many had been registered from the past. */
export interface ProgressOfAll {
  readonly type: 'progress of all';
  readonly revision: number;
  readonly fromPast: number;
}

type Entry = WatchResponse | Fanned | ProgressOfAll;

/** Settles what the consumer awaits. */
export type Answer = (response: WatchResponse | undefined | Promise<never>) => void;

export class EventQueue {
  // What `offer` touches comes first: with ten thousand queues a write costs what their cache lines cost.
  #consumer: Answer | undefined;
  #length = 0;
  // One for all that wait: with ten thousand loops that do, what each holds is copied by the garbage collector.
  /** The consumer waits, or goes on to. */
  readonly seat = (answer: Answer): void => {
    this.#consumer = answer;
  };
  #awaited: Promise<WatchResponse | undefined> | undefined;
  readonly capacity: number;
  #mask = SMALLEST_RING - 1;
  #head = 0;
  #slots = 0;
  #ring: (Entry | undefined)[] = new Array<Entry | undefined>(SMALLEST_RING).fill(undefined);
  /** The entry for many watchers that is being handed out; it has left the ring. */
  #each: Fanned | undefined;
  /** Weights of the responses in the ring; made by the first one that weighs anything. */
  #weights: number[] | undefined;
  #historyBytes = 0;
  #lastWeight = 1;
  #waiters: Waiters | undefined;
  #ended = false;
  #error: unknown;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** Watchers that wait for room; absent where none ever did, as in most queues. */
  get waiting(): Waiters | undefined {
    return this.#waiters;
  }

  /** The same, made by the first one. */
  get waiters(): Waiters {
    return (this.#waiters ??= new Waiters());
  }

  /** Whether catch-up may bring more history. */
  get takesHistory(): boolean {
    return this.#unreadHistory < HISTORY_BYTES;
  }

  /** How many batches like the last one there is room for; 0 until so much has been read that it pays to come back. */
  get batchesWanted(): number {
    const unread = this.#unreadHistory;
    if (this.#length === this.capacity || unread >= HISTORY_BYTES / 2) return 0;
    const batches = Math.ceil((HISTORY_BYTES - unread) / this.#lastWeight);
    return Math.max(0, Math.min(batches, this.capacity - this.#length) - (this.#waiters?.returning ?? 0));
  }

  /** True when it was queued. `weight` is the bytes of a batch of history, 0 for all else. */
  offer(response: WatchResponse, weight = 0): boolean {
    const length = this.#length;
    if (this.#consumer !== undefined && length === 0) {
      const answer = this.#consumer;
      this.#consumer = undefined;
      answer(response);
      return true;
    }
    if (length === this.capacity) return false;
    const slot = this.#append(response);
    this.#length = length + 1;
    if (weight > 0 || this.#weights !== undefined) this.#weigh(slot, weight);
    return true;
  }

  /** As `offer`, a response for each of the first `count` ids, which must stay as they are; returns how many went in. */
  offerEach(ids: readonly number[], count: number, events: readonly Event[], revision: number): number {
    let next = 0;
    if (this.#consumer !== undefined && this.#length === 0)
      this.offer({ type: 'events', watchId: ids[next++]!, events, revision });
    const end = Math.min(count, next + this.capacity - this.#length);
    if (end > next) this.#append({ type: 'fanned', ids, next, end, events, revision });
    this.#length += end - next;
    return end;
  }

  /** Queues progress that the stream confirms when it is taken, also where a consumer waits. */
  offerProgress(progress: ProgressOfAll): boolean {
    if (this.#length === this.capacity) return false;
    this.#append(progress);
    this.#length++;
    return true;
  }

  take(): WatchResponse | ProgressOfAll | undefined {
    if (this.#length === 0) return undefined;
    this.#length--;
    if (this.#each !== undefined) return this.#takeOf(this.#each);
    const head = this.#head;
    const entry = this.#ring[head]!;
    this.#ring[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.#slots--;
    if (this.#weights !== undefined) this.#unweigh(head);
    if (entry.type !== 'fanned') return entry;
    this.#each = entry;
    return this.#takeOf(entry);
  }

  get isAwaited(): boolean {
    return this.#consumer !== undefined;
  }

  /**
   * The next response that is offered, or `undefined` at the end, for a consumer that has found nothing to take.
   * Rejects with the signal's reason, or with what `fail` was given.
   */
  await(signal: AbortSignal | undefined): Promise<WatchResponse | undefined> {
    if (this.#ended) {
      return this.#error === undefined ? Promise.resolve(undefined) : Promise.reject(this.#error);
    }
    const promise = new Promise<WatchResponse | undefined>(this.seat);
    this.#awaited = promise;
    return signal === undefined ? promise : this.#abortable(promise, signal);
  }

  /** Takes the consumer off, so that nothing goes straight to it while what comes before is taken. */
  unseat(): Answer | undefined {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    return consumer;
  }

  /** Nothing comes in any more; what is in it can be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#consumer?.(undefined);
    this.#consumer = undefined;
  }

  /** As `end`, but what is in it is followed by a rejection. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (this.#consumer !== undefined) this.#reject(error);
  }

  /** Rejects what the consumer awaits, also where nobody listens: that is no unhandled rejection (R15). */
  #reject(reason: unknown): void {
    const answer = this.#consumer!;
    this.#consumer = undefined;
    this.#awaited!.catch(() => undefined);
    // Untouched, whatever its type.
    answer(Promise.reject(reason));
  }

  async #abortable(
    promise: Promise<WatchResponse | undefined>,
    signal: AbortSignal,
  ): Promise<WatchResponse | undefined> {
    const consumer = this.#consumer;
    const abort = (): void => {
      // A response that came first has been handed over already, and is what the promise gives.
      if (this.#consumer === consumer) this.#reject(signal.reason);
    };
    const letGo = onAbort(signal, abort);
    try {
      return await promise;
    } finally {
      letGo();
    }
  }

  #append(entry: Entry): number {
    if (this.#slots > this.#mask) this.#grow();
    const slot = (this.#head + this.#slots) & this.#mask;
    this.#ring[slot] = entry;
    this.#slots++;
    return slot;
  }

  #takeOf(each: Fanned): WatchResponse {
    const { ids, next, events, revision } = each;
    each.next = next + 1;
    if (each.next === each.end) this.#each = undefined;
    return { type: 'events', watchId: ids[next]!, events, revision };
  }

  get #unreadHistory(): number {
    return this.#historyBytes + (this.#waiters?.heldBytes ?? 0);
  }

  #grow(): void {
    const size = (this.#mask + 1) * 2;
    const ring = new Array<Entry | undefined>(size).fill(undefined);
    const weights = this.#weights === undefined ? undefined : new Array<number>(size).fill(0);
    for (let i = 0; i < this.#slots; i++) {
      const slot = (this.#head + i) & this.#mask;
      ring[i] = this.#ring[slot];
      if (weights !== undefined) weights[i] = this.#weights![slot]!;
    }
    this.#ring = ring;
    this.#weights = weights;
    this.#mask = size - 1;
    this.#head = 0;
  }

  #weigh(slot: number, weight: number): void {
    this.#weights ??= new Array<number>(this.#mask + 1).fill(0);
    this.#weights[slot] = weight;
    if (weight > 0) this.#lastWeight = weight;
    this.#historyBytes += weight;
  }

  #unweigh(slot: number): void {
    this.#historyBytes -= this.#weights![slot]!;
    this.#weights![slot] = 0;
  }

  /** Throws when EQ1, EQ2 or EQ4 does not hold, or what is beside the ring is broken. For tests. */
  checkInvariants(): void {
    let length = this.#each === undefined ? 0 : this.#each.end - this.#each.next;
    let bytes = 0;
    for (let i = 0; i <= this.#mask; i++) {
      const slot = (this.#head + i) & this.#mask;
      const entry = this.#ring[slot];
      if ((entry !== undefined) !== i < this.#slots) throw new Error('EQ2: the ring has a gap, or more than its slots');
      if (entry !== undefined) length += entry.type === 'fanned' ? entry.end - entry.next : 1;
      bytes += this.#weights?.[slot] ?? 0;
    }
    if (length !== this.#length || length > this.capacity)
      throw new Error('EQ1: more than the capacity, or miscounted');
    if (bytes !== this.#historyBytes) throw new Error('EQ4: unread history is weighed wrong');
    const first = this.#ring[this.#head];
    if (this.isAwaited && length > 0 && first?.type !== 'progress of all') {
      throw new Error('EQ2: a consumer waits, and there is something for it');
    }
    this.#waiters?.checkInvariants();
    if (this.#waiters?.firstVictim !== undefined && length < this.capacity) throw new Error('VI2: room, and a victim');
  }
}
