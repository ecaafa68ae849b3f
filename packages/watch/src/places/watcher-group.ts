/**
 * All watched ranges, with the synced watchers of each, and the question which of them a key concerns.
 *
 * WG1  Watchers of the same range share one `WatchedRange`. It is there as long as a watcher in any live place needs it,
 *     so that moves between places never touch the tree.
 * WG2  A range lists its synced watchers by their needs: what one list gets is made once.
 * WG3  A lookup costs one probe where single keys are watched and, where there are range watchers, O(log n) and the ranges found, or one
 *     comparison for each of a few ranges; never the number of watchers.
 *
 * etcd: server/storage/mvcc/watcher_group.go. Departs: grouped by range for all places, not one group for each.
 */
import { byteKey, compareToKey } from '@varve/base/order';
import { IntervalTree, type IntervalEnd } from './interval-tree.ts';
import { SyncedList } from './synced-list.ts';
import type { Needs, Watcher } from './watcher.ts';

export class WatchedRange {
  /** The one synced watcher, where there is one: thousands of keys with a watcher each are common, and far apart in memory. */
  only: Watcher | undefined;
  syncedN = 0;
  readonly start: string;
  /** Excluded; `undefined` is open. Without meaning for a single key. */
  readonly end: IntervalEnd;
  readonly single: boolean;
  readonly synced: SyncedList[] = [];
  /** Live watchers of this range. */
  users = 0;
  /** Which changes of the transaction in hand are in the range; empty between two transactions. */
  readonly touched: number[] = [];
  /** Whether it is all keys that begin with `start`: most ranges are, and then one comparison tells. */
  readonly #isPrefix: boolean;

  constructor(start: string, end: IntervalEnd, single: boolean) {
    this.start = start;
    this.end = end;
    this.single = single;
    this.#isPrefix = !single && isPrefix(start, end);
  }

  holds(key: Uint8Array): boolean {
    if (this.#isPrefix) return beginsWith(key, this.start);
    if (this.single) return key.length === this.start.length && compareToKey(key, this.start) === 0;
    return compareToKey(key, this.start) >= 0 && (this.end === undefined || compareToKey(key, this.end) < 0);
  }
}

/** Ranges that are asked one by one: a string of the key, which the tree needs, costs more than they do. */
const FEW = 4;

export class WatcherGroup {
  readonly #keys: Map<string, WatchedRange> = new Map();
  readonly #intervals: IntervalTree<WatchedRange> = new IntervalTree();
  /** All of the tree, in its order, while they are few; else undefined. */
  #few: readonly WatchedRange[] | undefined = [];
  #syncedN = 0;

  get syncedN(): number {
    return this.#syncedN;
  }

  /** Ranges that some watcher needs; single keys count. */
  get rangeN(): number {
    return this.#keys.size + this.#intervals.size;
  }

  /** The range's entry, with one more user. The caller has checked that the range is not empty. */
  acquire(key: Uint8Array, end: Uint8Array | undefined): WatchedRange {
    const start = byteKey(key);
    const range =
      end === undefined ? this.#single(start) : this.#interval(start, end.length === 0 ? undefined : byteKey(end));
    range.users++;
    return range;
  }

  /** The last release takes the range out. */
  release(range: WatchedRange): void {
    range.users--;
    if (range.users > 0) return;
    if (range.single) this.#keys.delete(range.start);
    else {
      this.#intervals.delete(range.start, range.end);
      this.#intervalsChanged();
    }
  }

  enter(watcher: Watcher): void {
    if (watcher.slot >= 0) throw new Error('watcher group: the watcher is synced already');
    const { range } = watcher;
    const { synced } = range;
    let list = synced.find((candidate) => candidate.needs === watcher.needs);
    if (list === undefined) {
      list = new SyncedList(watcher.needs);
      synced.push(list);
    }
    list.add(watcher);
    range.syncedN++;
    range.only = range.syncedN === 1 ? watcher : undefined;
    this.#syncedN++;
  }

  leave(watcher: Watcher): void {
    const { range } = watcher;
    const list = range.synced.find((candidate) => candidate.needs === watcher.needs);
    if (list?.holds(watcher) !== true) throw new Error('watcher group: the watcher is not synced');
    list.remove(watcher);
    range.syncedN--;
    range.only = range.syncedN === 1 ? range.synced.find(({ any }) => any !== undefined)!.any : undefined;
    this.#syncedN--;
  }

  /** Appends the ranges that hold `key`, each once. */
  lookup(key: Uint8Array, found: WatchedRange[]): void {
    const few = this.#few;
    let name: string | undefined;
    if (this.#keys.size > 0) {
      name = byteKey(key);
      const single = this.#keys.get(name);
      if (single !== undefined) found.push(single);
    }
    if (few === undefined) this.#intervals.stab(name ?? byteKey(key), found);
    else for (const range of few) if (range.holds(key)) found.push(range);
  }

  contains(key: Uint8Array): boolean {
    const found: WatchedRange[] = [];
    this.lookup(key, found);
    return found.length > 0;
  }

  /** Throws when WG1, WG2 or what it is made of does not hold. For tests. */
  checkInvariants(): void {
    this.#intervals.checkInvariants();
    const few = this.#intervals.size <= FEW ? this.#intervals.values() : undefined;
    if (few?.length !== this.#few?.length || few?.some((range, at) => range !== this.#few?.[at]) === true) {
      throw new Error('WG3: few ranges that are not those of the tree');
    }
    let syncedN = 0;
    for (const range of [...this.#keys.values(), ...this.#intervals.values()]) {
      if (range.users < 1 || range.users < range.syncedN) throw new Error('WG1: a range without its users');
      if (range.touched.length > 0) throw new Error('WG1: changes of an earlier transaction are left over');
      let inRange = 0;
      const needs = new Set<Needs>();
      for (const list of range.synced) {
        inRange += list.checkInvariants(range);
        needs.add(list.needs);
      }
      if (needs.size !== range.synced.length) throw new Error('WG2: two lists of the same needs');
      const only = inRange === 1 ? range.synced.find(({ any }) => any !== undefined)?.any : undefined;
      if (inRange !== range.syncedN || only !== range.only) throw new Error('WG2: synced watchers are counted wrong');
      syncedN += inRange;
    }
    if (syncedN !== this.#syncedN) throw new Error('WG2: all synced watchers are counted wrong');
  }

  #single(start: string): WatchedRange {
    let range = this.#keys.get(start);
    if (range === undefined) {
      range = new WatchedRange(start, undefined, true);
      this.#keys.set(start, range);
    }
    return range;
  }

  #interval(start: string, end: IntervalEnd): WatchedRange {
    let range = this.#intervals.get(start, end);
    if (range === undefined) {
      range = new WatchedRange(start, end, false);
      this.#intervals.insert(start, end, range);
      this.#intervalsChanged();
    }
    return range;
  }

  #intervalsChanged(): void {
    this.#few = this.#intervals.size <= FEW ? this.#intervals.values() : undefined;
  }
}

function isPrefix(start: string, end: IntervalEnd): boolean {
  const last = start.length - 1;
  return (
    last >= 0 &&
    end?.length === start.length &&
    end.charCodeAt(last) === start.charCodeAt(last) + 1 &&
    end.slice(0, last) === start.slice(0, last)
  );
}

function beginsWith(key: Uint8Array, start: string): boolean {
  if (key.length < start.length) return false;
  for (let i = 0; i < start.length; i++) if (key[i] !== start.charCodeAt(i)) return false;
  return true;
}
