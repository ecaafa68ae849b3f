/**
 * The ordered map where Node is not: runs of neighbouring entries, and a list of the runs.
 *
 * PBT1  Every run has an entry, and no more than `most`; keys ascend within a run and from run to run.
 * PBT2  A run, and the list, is changed in place by the map that made it since its last clone. What a clone may see is copied before it is
 *       changed (ODM2): the run, and the list, which has one place for some thirty entries and more.
 *
 * Two levels and not a tree: a list of a thousand runs is moved in a microsecond, and what is kept in one in a browser is smaller than that.
 */
import type { OrderedMap } from '../ordered-map.ts';

interface Run<K, V> {
  readonly keys: K[];
  readonly values: V[];
  /** The map that may change it. */
  readonly owner: object;
}

/** An ordered map in runs of sorted arrays. */
export class BTree<K, V> implements OrderedMap<K, V> {
  readonly #compare: (a: K, b: K) => number;
  readonly #most: number;
  #runs: Run<K, V>[] = [];
  #size = 0;
  /** Another one after each clone. */
  #owner = {};
  #ownsList = true;

  constructor(entries: undefined, compare: (a: K, b: K) => number, most: number) {
    this.#compare = compare;
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    const run = this.#runs[this.#runOf(key)];
    const place = run === undefined ? -1 : this.#placeOf(run, key);
    return place < 0 ? undefined : run!.values[place];
  }

  set(key: K, value: V): boolean {
    // Before the first run, too: then it is the first of that one.
    const at = Math.max(0, this.#runOf(key));
    const run = this.#own(at) ?? this.#insertRun(0, [], []);
    const place = this.#placeOf(run, key);
    if (place >= 0) {
      run.values[place] = value;
      return false;
    }
    this.#size++;
    const index = -place - 1;
    if (run.keys.length < this.#most) insert(run, index, key, value);
    // Keys that come in order fill their runs; others share one.
    else if (index === this.#most) this.#insertRun(at + 1, [key], [value]);
    else {
      const half = this.#most >> 1;
      const next = this.#insertRun(at + 1, run.keys.splice(half), run.values.splice(half));
      if (index <= half) insert(run, index, key, value);
      else insert(next, index - half, key, value);
    }
    return true;
  }

  delete(key: K): boolean {
    const at = this.#runOf(key);
    const shared = this.#runs[at];
    const place = shared === undefined ? -1 : this.#placeOf(shared, key);
    if (place < 0) return false;
    const run = this.#own(at)!;
    run.keys.splice(place, 1);
    run.values.splice(place, 1);
    if (run.keys.length === 0) this.#list().splice(at, 1);
    this.#size--;
    return true;
  }

  clone(): BTree<K, V> {
    const clone = new BTree<K, V>(undefined, this.#compare, this.#most);
    clone.#runs = this.#runs;
    clone.#size = this.#size;
    clone.#ownsList = this.#ownsList = false;
    this.#owner = {};
    return clone;
  }

  maxKey(): K | undefined {
    return this.#runs.at(-1)?.keys.at(-1);
  }

  getPairOrNextLower(key: K, reused?: [K, V]): [K, V] | undefined {
    const run = this.#runs[this.#runOf(key)];
    if (run === undefined) return undefined;
    const found = this.#placeOf(run, key);
    const place = found >= 0 ? found : -found - 2;
    const pair = reused ?? ([] as unknown as [K, V]);
    pair[0] = run.keys[place]!;
    pair[1] = run.values[place]!;
    return pair;
  }

  *entries(lowest?: K): IterableIterator<[K, V]> {
    const runs = this.#runs;
    let at = lowest === undefined ? 0 : Math.max(0, this.#runOf(lowest));
    const first = runs[at];
    let place = lowest === undefined || first === undefined ? 0 : this.#placeOf(first, lowest);
    if (place < 0) place = -place - 1;
    for (; at < runs.length; at++, place = 0) {
      const { keys, values } = runs[at]!;
      for (; place < keys.length; place++) yield [keys[place]!, values[place]!];
    }
  }

  checkValid(): void {
    let before: [K] | undefined;
    let count = 0;
    for (const { keys, values } of this.#runs) {
      rule(keys.length > 0 && keys.length <= this.#most && keys.length === values.length, 'the size of a run');
      for (const key of keys) {
        rule(before === undefined || this.#compare(before[0], key) < 0, 'the order of keys');
        before = [key];
        count++;
      }
    }
    rule(count === this.#size, 'the number of entries');
  }

  /** The run that holds the key, or would: the last one that does not begin behind it; -1 before all. */
  #runOf(key: K): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#runs[middle]!.keys[0]!, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The place of the key in a run; where it is not there, what is below 0 by one more than the place it would have. */
  #placeOf({ keys }: Run<K, V>, key: K): number {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.#compare(keys[middle]!, key);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -low - 1;
  }

  /** The list, to be changed (PBT2). */
  #list(): Run<K, V>[] {
    if (!this.#ownsList) {
      this.#runs = this.#runs.slice();
      this.#ownsList = true;
    }
    return this.#runs;
  }

  /** A run, to be changed (PBT2). */
  #own(at: number): Run<K, V> | undefined {
    const run = this.#runs[at];
    if (run === undefined || run.owner === this.#owner) return run;
    const own = { keys: run.keys.slice(), values: run.values.slice(), owner: this.#owner };
    this.#list()[at] = own;
    return own;
  }

  #insertRun(at: number, keys: K[], values: V[]): Run<K, V> {
    const run = { keys, values, owner: this.#owner };
    this.#list().splice(at, 0, run);
    return run;
  }
}

function insert<K, V>({ keys, values }: Run<K, V>, place: number, key: K, value: V): void {
  if (place === keys.length) {
    keys.push(key);
    values.push(value);
  } else {
    keys.splice(place, 0, key);
    values.splice(place, 0, value);
  }
}

function rule(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the ordered map contradicts itself: ${what}`);
}
