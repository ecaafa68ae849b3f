/**
 * One stream: watchers by id, over one queue.
 *
 * WWS1  Ids that the stream gives out count up from 0 and are never given out twice; the caller's own may be anything free.
 * WWS2  A watcher that was told of a compaction keeps its id until it is cancelled.
 * WWS3  Progress of all is true when it is read: where a watcher from the past came after it was queued, it is dropped,
 *     and asked for again until all are synced.
 * WWS4  After `close` nothing is queued; what was queued before can be read.
 *
 * etcd: server/storage/mvcc/watcher.go, watchStream (spec 4).
 */
import type { RangeEnd, SliceOptions } from '@varve/mvcc';
import { checkNames } from './check-options.ts';
import { WatchError } from './errors.ts';
import { EventQueue, type ProgressOfAll, type QueueOwner } from './event-queue.ts';
import type { WatchHub } from './watch-hub.ts';
import type { WatchOptions, WatchResponse, WatchStream } from './watchable-store.ts';
import { needsOf, type Watcher } from './watcher.ts';

const optionNames = ['startRevision', 'filters', 'previous', 'watchId'];

export class LiveWatchStream implements WatchStream, QueueOwner {
  readonly queue: EventQueue;
  readonly watchers: Map<number, Watcher> = new Map();
  readonly #hub: WatchHub;
  #nextId = 0;
  /** How many watchers were registered that had history to read. */
  #fromPast = 0;
  /** Progress of all was promised, and dropped. */
  #owesProgress = false;
  #closed = false;

  constructor(hub: WatchHub, queueCapacity: number) {
    this.#hub = hub;
    this.queue = new EventQueue(queueCapacity, this);
  }

  watch(
    key: Uint8Array,
    end: RangeEnd,
    options: WatchOptions = {},
  ): { readonly watchId: number; readonly revision: number } {
    checkNames(options, optionNames);
    const { startRevision = 0, watchId = 0, filters = [], previous = false } = options;
    checkBytes('key', key);
    if (end !== undefined) checkBytes('end', end);
    // Any whole number: a revision of the far future is a way to wait for ever (W32).
    if (!Number.isInteger(startRevision)) throw new RangeError('startRevision: not a whole number');
    if (!Number.isSafeInteger(watchId)) throw new RangeError('watchId: not a whole number');
    const needs = needsOf(filters, previous);
    if (end !== undefined && end.length > 0 && Buffer.compare(key, end) >= 0) {
      throw new WatchError('WATCH_EMPTY_RANGE', 'the range holds no key: its end is at or before its key');
    }
    if (this.#closed) throw new WatchError('WATCH_CLOSED', 'the watch stream is closed');
    const revision = this.#hub.visible();
    const id = this.#takeId(watchId);
    const watcher = this.#hub.register(this.queue, id, key, end, needs, startRevision);
    this.watchers.set(id, watcher);
    if (watcher.place === 'unsynced') this.#fromPast++;
    return { watchId: id, revision };
  }

  cancel(watchId: number): void {
    const watcher = this.watchers.get(watchId);
    if (watcher === undefined) throw new WatchError('WATCH_NOT_FOUND', `the stream has no watcher ${watchId}`);
    this.#hub.cancel(watcher);
    this.watchers.delete(watchId);
    this.synced();
  }

  requestProgress(watchId: number): void {
    const watcher = this.watchers.get(watchId);
    if (watcher === undefined) return;
    const revision = this.#hub.visible();
    if (isUpToDate(watcher, revision)) this.queue.offer({ type: 'progress', watchId, revision });
  }

  requestProgressAll(): boolean {
    const revision = this.#hub.visible();
    if (!this.#areUpToDate(revision)) return false;
    if (this.watchers.size > 0) this.#offerProgress(revision);
    return true;
  }

  rev(): number {
    return this.#hub.visible();
  }

  next(options?: SliceOptions): Promise<WatchResponse | undefined> {
    return this.queue.next(options);
  }

  poll(): WatchResponse | undefined {
    return this.queue.poll();
  }

  close(): void {
    this.#detach();
    this.queue.end();
  }

  broken(error: unknown): void {
    this.#detach();
    this.queue.fail(error);
  }

  roomMade(): void {
    this.#hub.roomMade(this.queue);
  }

  confirms(progress: ProgressOfAll): boolean {
    if (progress.fromPast === this.#fromPast) return true;
    this.#owesProgress = true;
    this.synced();
    return false;
  }

  /** A watcher has been synced, or is gone: what is owed may be due. */
  synced(): void {
    if (!this.#owesProgress) return;
    if (this.watchers.size === 0) {
      this.#owesProgress = false;
      return;
    }
    const revision = this.#hub.visible();
    if (this.#areUpToDate(revision) && this.#offerProgress(revision)) this.#owesProgress = false;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchResponse, undefined> {
    return {
      next: async () => {
        const value = await this.queue.next();
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
    return this.queue.offerProgress({ type: 'progress of all', revision, fromPast: this.#fromPast });
  }

  #detach(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watcher of this.watchers.values()) this.#hub.cancel(watcher);
    this.watchers.clear();
    this.#hub.forget(this);
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
  return watcher.place === 'synced' && watcher.startRevision <= revision;
}

function checkBytes(name: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: not a Uint8Array`);
}
