/**
 * One stream: watchers by id, over one queue, and the consumer that reads it.
 *
 * WWS1  Ids that the stream gives out count up from 0 and are never given out twice; the caller's own may be anything free.
 * WWS2  A watcher that was told of a compaction keeps its id until it is cancelled.
 * WWS3  Progress of all is true when it is read: where a watcher from the past came after it was queued, it is dropped,
 *     and asked for again until all are synced.
 * WWS4  After `close` nothing is queued; what was queued before can be read.
 * WWS5  Whenever a response has been taken, those who wait for room move on in the same tick, and so does progress that
 *     is owed.
 *
 * etcd: server/storage/mvcc/watcher.go, watchStream (spec 4).
 */
import type { RangeEnd, SliceOptions } from '@varve/mvcc';
import { compareBytes } from '@varve/base/order';
import { checkBytes, checkNames, isSignal } from '@varve/base/options';
import { WatchError } from '../errors.ts';
import { EventQueue, type ProgressOfAll } from '../places/event-queue.ts';
import type { Places } from '../places/places.ts';
import { needsOf, type Watcher, type WatcherOwner } from '../places/watcher.ts';
import type { WatchOptions, WatchResponse, WatchStream } from '../watchable-store.ts';

/** Stands for all watchers of a stream in a progress response. */
const ALL_WATCHERS = -1;

const optionNames = ['from', 'filters', 'previous', 'watchId'];

export class LiveWatchStream implements WatchStream, WatcherOwner {
  readonly queue: EventQueue;
  readonly watchers: Map<number, Watcher> = new Map();
  readonly #places: Places;
  /** The open streams of the store, of which it is one. */
  readonly #open: Set<LiveWatchStream>;
  #nextId = 0;
  /** How many watchers were registered that had history to read. */
  #fromPast = 0;
  /** Progress of all was promised, and dropped. */
  #owesProgress = false;
  #closed = false;

  constructor(places: Places, queueCapacity: number, open: Set<LiveWatchStream>) {
    this.#places = places;
    this.queue = new EventQueue(queueCapacity);
    this.#open = open.add(this);
  }

  watch(
    key: Uint8Array,
    end: RangeEnd,
    options: WatchOptions = {},
  ): { readonly watchId: number; readonly revision: number } {
    checkNames(options, optionNames);
    const { from = 0, watchId = 0, filters = [], previous = false } = options;
    checkBytes(key, 'key');
    if (end !== undefined) checkBytes(end, 'end');
    // Any whole number: a revision of the far future is a way to wait for ever (W32).
    if (!Number.isInteger(from)) throw new RangeError('from must be a whole number');
    if (!Number.isSafeInteger(watchId)) throw new RangeError('watchId must be a whole number');
    const needs = needsOf(filters, previous);
    if (end !== undefined && end.length > 0 && compareBytes(key, end) >= 0) {
      throw new WatchError(
        'WATCH_EMPTY_RANGE',
        'the range holds no key: its end is at or before its start; give a later end',
      );
    }
    if (this.#closed) throw new WatchError('WATCH_CLOSED', 'the watch stream is closed');
    const revision = this.#places.visible;
    const id = this.#takeId(watchId);
    const watcher = this.#places.register(this, id, key, end, needs, from);
    if (watcher.place === 'unsynced') this.#fromPast++;
    else this.synced();
    this.watchers.set(id, watcher);
    return { watchId: id, revision };
  }

  cancel(watchId: number): void {
    const watcher = this.watchers.get(watchId);
    if (watcher === undefined) throw new WatchError('WATCH_NOT_FOUND', `the stream has no watcher ${watchId}`);
    this.#places.cancel(watcher);
    this.watchers.delete(watchId);
    this.synced();
  }

  requestProgress(watchId: number): void {
    const watcher = this.watchers.get(watchId);
    if (watcher === undefined) return;
    const revision = this.#places.visible;
    if (isUpToDate(watcher, revision)) this.queue.offer({ type: 'progress', watchId, revision });
  }

  requestProgressAll(): boolean {
    const revision = this.#places.visible;
    if (!this.#areUpToDate(revision)) return false;
    if (this.watchers.size > 0) this.#offerProgress(revision);
    return true;
  }

  rev(): number {
    return this.#places.visible;
  }

  next(options?: SliceOptions): Promise<WatchResponse | undefined> {
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
      return Promise.reject(new TypeError('options must be an object'));
    }
    const signal = options?.signal;
    if (signal !== undefined && !isSignal.isKind(signal)) {
      return Promise.reject(new TypeError('signal must be an AbortSignal'));
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.queue.isAwaited) return Promise.reject(new TypeError('next: the call before has not ended yet'));
    const response = this.poll();
    return response === undefined ? this.queue.await(signal) : Promise.resolve(response);
  }

  poll(): WatchResponse | undefined {
    const { queue } = this;
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      const response = entry.type === 'progress of all' ? this.#confirmed(entry) : entry;
      const { waiting } = queue;
      if (waiting !== undefined && waiting.size > 0) this.#places.roomMade(queue);
      if (this.#owesProgress) this.synced();
      if (response !== undefined) return response;
    }
    return undefined;
  }

  close(): void {
    this.#detach();
    this.#wake();
    this.queue.end();
  }

  broken(error: unknown): void {
    this.#detach();
    this.#wake();
    this.queue.fail(error);
  }

  /** A watcher has been synced, or is gone: what is owed may be due. */
  synced(): void {
    if (!this.#owesProgress) return;
    if (this.watchers.size === 0) {
      this.#owesProgress = false;
      return;
    }
    const revision = this.#places.visible;
    if (this.#areUpToDate(revision) && this.#offerProgress(revision)) this.#owesProgress = false;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchResponse, undefined> {
    return {
      next: async () => {
        const value = await this.next();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #areUpToDate(revision: number): boolean {
    for (const watcher of this.watchers.values()) if (!isUpToDate(watcher, revision)) return false;
    return true;
  }

  #offerProgress(revision: number): boolean {
    const offered = this.queue.offerProgress({ type: 'progress of all', revision, fromPast: this.#fromPast });
    // A consumer that waits gets it after what goes on in this tick.
    if (offered && this.queue.isAwaited) void Promise.resolve().then(() => this.#wake());
    return offered;
  }

  /** `undefined` for progress that is held back: a watcher from the past has come since. */
  #confirmed({ revision, fromPast }: ProgressOfAll): WatchResponse | undefined {
    if (fromPast === this.#fromPast) return { type: 'progress', watchId: ALL_WATCHERS, revision };
    this.#owesProgress = true;
    return undefined;
  }

  /** Gives a consumer that waits what is in the queue before it. */
  #wake(): void {
    const consumer = this.queue.unseat();
    if (consumer === undefined) return;
    const response = this.poll();
    if (response === undefined) this.queue.seat(consumer);
    else consumer(response);
  }

  #detach(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watcher of this.watchers.values()) this.#places.cancel(watcher);
    this.watchers.clear();
    this.#open.delete(this);
  }

  #takeId(wanted: number): number {
    if (wanted === 0) {
      while (this.watchers.has(this.#nextId)) this.#nextId++;
      return this.#nextId++;
    }
    if (this.watchers.has(wanted)) throw new WatchError('WATCH_DUPLICATE_ID', `the stream has a watcher ${wanted}`);
    return wanted;
  }
}

/** Whether everything up to the present that concerns the watcher is in the queue (spec 8). */
function isUpToDate(watcher: Watcher, revision: number): boolean {
  return watcher.place === 'synced' && watcher.from <= revision;
}
