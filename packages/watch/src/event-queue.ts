/**
 * The one queue of a stream: a ring of responses, bounded, pulled by a single consumer.
 *
 * EQ1  `offer` never waits and never grows the queue beyond its capacity; a response goes in whole or not at all.
 * EQ2  First in, first out. A response goes straight to a consumer that waits, if there is none before it.
 * EQ3  Whoever waits for room (a victim, a watcher left out of catch-up) hears of it when the consumer takes a response.
 * EQ4  History is taken in only while little of it is unread (`HISTORY_BYTES`): a queue of 128 batches of 1000 large
 *     values each would be bounded in name only (law 9).
 * EQ5  What progress says of all watchers is said when it is read: the owner is asked again then, and may hold it back.
 * EQ6  Equal events for many watchers of the stream are one entry, and the responses are made as they are taken: they count
 *     as responses, and cost memory as one.
 *
 * etcd: server/storage/mvcc/watcher.go, the channel. Departs: EQ4, EQ5, EQ6.
 */
import type { SliceOptions } from '@varve/mvcc';
import { onAbort } from '@varve/base/abort';
import { isSignal } from './check-options.ts';
import { VictimList } from './victims.ts';
import type { Event, WatchResponse } from './watchable-store.ts';
import type { Watcher } from './watcher.ts';

/** Bytes of history a queue may hold unread before it gets no more. */
const HISTORY_BYTES = 4 * 1024 * 1024;
const SMALLEST_RING = 4;
/** Stands for all watchers of a stream in a progress response. */
const ALL_WATCHERS = -1;

/** The stream behind a queue. */
export interface QueueOwner {
  /** Whether this may be said of all watchers now. */
  confirms(progress: ProgressOfAll): boolean;
  /** One of its watchers is up to date again. */
  synced(): void;
  /** A response was taken while somebody waits for room. */
  roomMade(): void;
  /** History cannot be read, or nothing becomes visible any more: the stream ends with this error after what is queued. */
  broken(error: unknown): void;
}

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

type Answer = (response: WatchResponse | undefined | Promise<never>) => void;

export class EventQueue {
  // What `offer` touches comes first: with ten thousand queues a write costs what their cache lines cost.
  #consumer: Answer | undefined;
  #length = 0;
  // One for all calls of `next`: with ten thousand loops that wait, what each holds is copied by the garbage collector.
  readonly #await = (answer: Answer): void => {
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
  readonly owner: QueueOwner;
  readonly #victims: VictimList = new VictimList();
  readonly #waiting: Set<Watcher> = new Set();
  /** How many are in these two. */
  #waits = 0;
  /** Watchers that came back from there and have not been served yet. */
  returning = 0;
  #ended = false;
  #error: unknown;

  constructor(capacity: number, owner: QueueOwner) {
    this.capacity = capacity;
    this.owner = owner;
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** Whether catch-up may bring more history. */
  get takesHistory(): boolean {
    return this.#historyBytes < HISTORY_BYTES;
  }

  /** How many batches like the last one there is room for; 0 until so much has been read that it pays to come back. */
  get batchesWanted(): number {
    if (this.#length === this.capacity || this.#historyBytes >= HISTORY_BYTES / 2) return 0;
    const batches = Math.ceil((HISTORY_BYTES - this.#historyBytes) / this.#lastWeight);
    return Math.max(0, Math.min(batches, this.capacity - this.#length) - this.returning);
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

  /** Queues progress that is confirmed when it is read: by a consumer that waits, after what goes on in this tick. */
  offerProgress(progress: ProgressOfAll): boolean {
    if (this.#length === this.capacity) return false;
    this.#append(progress);
    this.#length++;
    if (this.#consumer !== undefined) void Promise.resolve().then(() => this.#wake());
    return true;
  }

  get firstVictim(): Watcher | undefined {
    return this.#victims.first;
  }

  /** The batch that the victim holds counts as unread history. */
  addVictim(watcher: Watcher): void {
    this.#historyBytes += watcher.heldWeight;
    this.#victims.add(watcher);
    this.#waits++;
  }

  removeVictim(watcher: Watcher): void {
    this.#historyBytes -= watcher.heldWeight;
    this.#victims.remove(watcher);
    this.#waits--;
  }

  /** Unsynced watchers that catch-up leaves out until there is room. */
  get waiting(): ReadonlySet<Watcher> {
    return this.#waiting;
  }

  addWaiting(watcher: Watcher): void {
    this.#waiting.add(watcher);
    this.#waits++;
  }

  removeWaiting(watcher: Watcher): void {
    this.#waiting.delete(watcher);
    this.#waits--;
  }

  poll(): WatchResponse | undefined {
    while (this.#length > 0) {
      this.#length--;
      const response = this.#each === undefined ? this.#take() : this.#takeOf(this.#each);
      if (this.#waits > 0) this.owner.roomMade();
      if (response !== undefined) return response;
    }
    return undefined;
  }

  /** The next response, or `undefined` at the end. Rejects with the signal's reason, or with what `fail` was given. */
  next(options?: SliceOptions): Promise<WatchResponse | undefined> {
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
      return Promise.reject(new TypeError('options must be an object'));
    }
    const signal = options?.signal;
    if (signal !== undefined && !isSignal(signal)) {
      return Promise.reject(new TypeError('signal: not an AbortSignal'));
    }
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    if (this.#consumer !== undefined) return Promise.reject(new TypeError('next: the call before has not ended yet'));
    const response = this.poll();
    if (response !== undefined) return Promise.resolve(response);
    if (this.#ended)
      return this.#error === undefined ? Promise.resolve(undefined) : Promise.reject(asError(this.#error));
    const promise = new Promise<WatchResponse | undefined>(this.#await);
    this.#awaited = promise;
    return signal === undefined ? promise : this.#abortable(promise, signal);
  }

  /** Nothing comes in any more; what is in it can be read. */
  end(): void {
    if (this.#ended) return;
    this.#wake();
    this.#ended = true;
    this.#consumer?.(undefined);
    this.#consumer = undefined;
  }

  /** As `end`, but what is in it is followed by a rejection. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#wake();
    this.#ended = true;
    this.#error = error;
    if (this.#consumer !== undefined) this.#reject(error);
  }

  /** Rejects what the consumer awaits, also where nobody listens: that is no unhandled rejection (R15). */
  #reject(reason: unknown): void {
    const answer = this.#consumer!;
    this.#consumer = undefined;
    this.#awaited!.catch(() => undefined);
    answer(Promise.reject(asError(reason)));
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

  #wake(): void {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    // Nothing may go straight to it while what comes before is taken.
    this.#consumer = undefined;
    const response = this.poll();
    if (response === undefined) this.#consumer = consumer;
    else consumer(response);
  }

  #append(entry: Entry): number {
    if (this.#slots > this.#mask) this.#grow();
    const slot = (this.#head + this.#slots) & this.#mask;
    this.#ring[slot] = entry;
    this.#slots++;
    return slot;
  }

  /** `undefined` for progress that is held back. */
  #take(): WatchResponse | undefined {
    const head = this.#head;
    const entry = this.#ring[head]!;
    this.#ring[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.#slots--;
    if (this.#weights !== undefined) this.#unweigh(head);
    if (entry.type === 'progress of all') return this.#confirmed(entry);
    if (entry.type !== 'fanned') return entry;
    this.#each = entry;
    return this.#takeOf(entry);
  }

  #confirmed(progress: ProgressOfAll): WatchResponse | undefined {
    if (!this.owner.confirms(progress)) return undefined;
    return { type: 'progress', watchId: ALL_WATCHERS, revision: progress.revision };
  }

  #takeOf(each: Fanned): WatchResponse {
    const { ids, next, events, revision } = each;
    each.next = next + 1;
    if (each.next === each.end) this.#each = undefined;
    return { type: 'events', watchId: ids[next]!, events, revision };
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
}

/** The signal's own reason, untouched, whatever its type. */
function abortReason(signal: AbortSignal): Error {
  return asError(signal.reason);
}

function asError(reason: unknown): Error {
  return reason as Error;
}
