/**
 * One watcher: what it wants, what it has had, and where it is.
 *
 *            watch                      a write finds the queue full
 *   (past)  /     \  (future)         .-----------------------------.
 *          v       v                 /                               v
 *      unsynced --> synced ---------'   <---- consumer reads ---- victim
 *        |   ^                                                    |  ^
 *        |   '------------- consumer reads, history to go --------'  |
 *        |------------------ catch-up finds the queue full ----------'
 *        '--> compacted         (any) --> cancelled
 *
 * WTC1  A watcher is in exactly one place.
 * WTC2  Everything below `minRevision` has been delivered, filtered, or is held as its one batch. It is kept exact in
 *     every place but `synced`: there a write is delivered when it is at or above it, and the visible revision tells
 *     how far the watcher is.
 *
 * etcd: server/storage/mvcc/watchable_store.go, type watcher (spec 3.1, 3.2).
 */
import type { EventQueue } from './event-queue.ts';
import type { Fan } from './synced-list.ts';
import type { WatchedRange } from './watcher-group.ts';
import type { EventFilter, WatchResponse } from '../watchable-store.ts';

export type Place = 'synced' | 'unsynced' | 'victim' | 'compacted' | 'cancelled';

/** What a watcher wants of a change, as bits: watchers with equal needs share their events. */
export type Needs = number;
export const NO_PUTS: Needs = 1;
export const NO_DELETES: Needs = 2;
export const PREVIOUS: Needs = 4;

export function needsOf(filters: readonly EventFilter[], previous: boolean): Needs {
  if (!Array.isArray(filters)) throw new TypeError('filters: not an array');
  if (typeof previous !== 'boolean') throw new TypeError('previous: not a boolean');
  let needs = previous ? PREVIOUS : 0;
  for (const filter of filters) {
    if (filter === 'noput') needs |= NO_PUTS;
    else if (filter === 'nodelete') needs |= NO_DELETES;
    else throw new TypeError(`filters: there is no ${String(filter)}`);
  }
  return needs;
}

/** The stream of a watcher, for catch-up, which lies above both; nothing in this folder calls it. */
export interface WatcherOwner {
  readonly queue: EventQueue;
  /** One of its watchers is up to date again. */
  synced(): void;
  /** History cannot be read: the stream ends with this error after what is queued. */
  broken(error: unknown): void;
}

export class Watcher {
  readonly id: number;
  readonly queue: EventQueue;
  minRevision: number;
  readonly range: WatchedRange;
  readonly needs: Needs;
  readonly from: number;
  readonly owner: WatcherOwner;
  place: Place = 'unsynced';
  /** Its place among the synced watchers: in the fan, where there is one. */
  slot = -1;
  fan: Fan | undefined;
  /** The batch of a victim, and its weight in the queue. */
  held: WatchResponse | undefined;
  heldWeight = 0;
  /** Left out of catch-up until its consumer reads. */
  waitsForRoom = false;
  /** In catch-up again after that, and not served yet. */
  returning = false;
  previousVictim: Watcher | undefined;
  nextVictim: Watcher | undefined;

  constructor(id: number, range: WatchedRange, needs: Needs, owner: WatcherOwner, from: number, minRevision: number) {
    this.id = id;
    this.queue = owner.queue;
    this.minRevision = minRevision;
    this.range = range;
    this.needs = needs;
    this.from = from;
    this.owner = owner;
  }
}
