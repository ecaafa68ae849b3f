/**
 * A run of consecutive revisions of the past, matched once for each range that asks.
 *
 * HW1  It holds all retained changes of the revisions from `from` up to and without `to`, and never changes: whoever
 *     stands at `from` stands at `to` after it, whatever matched.
 * HW2  Ranges are matched, and events made, once; all watchers with the same range and needs get the same array.
 * HW3  Work that grows with the window is done in slices (`prepare`); `batch` only hands out.
 *
 * etcd: server/storage/mvcc/watcher_group.go, watcherBatch (spec 7). Departs: a batch ends with the window, so it may
 * hold fewer revisions than allowed; in return watchers of all ranges move on together, over one reading.
 */
import type { Change } from '@varve/mvcc';
import { byteKey } from '@varve/base/order';
import { ChangeRun, type PreviousOf } from '../delivery/change-run.ts';
import type { Event } from '../watchable-store.ts';
import { PREVIOUS, type Watcher } from '../places/watcher.ts';
import type { WatchedRange } from '../places/watcher-group.ts';

/** Ranges matched by comparing with every change, before a sorted directory of the keys pays. */
const SCANS_BEFORE_DIRECTORY = 6;
/** Previous values looked up between two looks at the clock. */
const LOOKUPS_PER_LOOK = 32;
/** What an event weighs besides its bytes. */
const EVENT_BYTES = 128;

interface Match {
  readonly indices: readonly number[];
  readonly weight: number;
  /** By needs. */
  readonly events: (readonly Event[] | undefined)[];
  /** How many of `indices` have been looked up, for watchers that want previous values. */
  prepared: number;
}

export interface Batch {
  readonly events: readonly Event[];
  readonly weight: number;
}

interface Directory {
  /** In byte order. */
  readonly keys: readonly string[];
  readonly indices: ReadonlyMap<string, readonly number[]>;
}

export class HistoryWindow {
  readonly from: number;
  readonly to: number;
  readonly #run: ChangeRun;
  readonly #matches: Map<WatchedRange, Match> = new Map();
  #directory: Directory | undefined;

  constructor(from: number, to: number, changes: readonly Change[], previousOf: PreviousOf) {
    this.from = from;
    this.to = to;
    this.#run = new ChangeRun(changes, previousOf);
  }

  /** Does the watcher's share of the work; false when `over` said that the slice is, and there is more to do. */
  prepare(watcher: Watcher, over: () => boolean): boolean {
    const match = this.#match(watcher.range);
    if ((watcher.needs & PREVIOUS) === 0) return true;
    while (match.prepared < match.indices.length) {
      const end = Math.min(match.prepared + LOOKUPS_PER_LOOK, match.indices.length);
      for (; match.prepared < end; match.prepared++) this.#run.prepare(match.indices[match.prepared]!, watcher.needs);
      if (over() && match.prepared < match.indices.length) return false;
    }
    return true;
  }

  /** What the watcher gets of the window; possibly nothing. */
  batch(watcher: Watcher): Batch {
    const match = this.#match(watcher.range);
    const events = (match.events[watcher.needs] ??= this.#run.events(match.indices, watcher.needs));
    if (watcher.minRevision <= this.from) return { events, weight: match.weight };
    const first = events.findIndex((event) => event.kv.modRevision >= watcher.minRevision);
    return { events: first < 0 ? [] : Object.freeze(events.slice(first)), weight: match.weight };
  }

  #match(range: WatchedRange): Match {
    let match = this.#matches.get(range);
    if (match === undefined) {
      const indices = this.#indicesIn(range);
      let weight = 0;
      for (const index of indices) {
        const { kv } = this.#run.changes[index]!;
        weight += EVENT_BYTES + kv.key.length + kv.value.length;
      }
      match = { indices, weight, events: [], prepared: 0 };
      this.#matches.set(range, match);
    }
    return match;
  }

  #indicesIn(range: WatchedRange): readonly number[] {
    if (this.#directory === undefined && this.#matches.size < SCANS_BEFORE_DIRECTORY) return this.#scan(range);
    const { keys, indices } = (this.#directory ??= makeDirectory(this.#run.changes));
    if (range.single) return indices.get(range.start) ?? [];
    const found: number[] = [];
    for (let i = lowerBound(keys, range.start); i < keys.length; i++) {
      const key = keys[i]!;
      if (range.end !== undefined && key >= range.end) break;
      for (const index of indices.get(key)!) found.push(index);
    }
    return found.sort((a, b) => a - b);
  }

  #scan(range: WatchedRange): readonly number[] {
    const found: number[] = [];
    const { changes } = this.#run;
    for (let i = 0; i < changes.length; i++) if (range.holds(changes[i]!.kv.key)) found.push(i);
    return found;
  }
}

function makeDirectory(changes: readonly Change[]): Directory {
  const indices = new Map<string, number[]>();
  for (let i = 0; i < changes.length; i++) {
    const key = byteKey(changes[i]!.kv.key);
    const list = indices.get(key);
    if (list === undefined) indices.set(key, [i]);
    else list.push(i);
  }
  // Code units are bytes here, and the default order is the order of code units.
  return { keys: [...indices.keys()].sort(), indices };
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
