/**
 * The difference between two revisions, key by key: what `diff` of every `Kv` shares.
 *
 * DFS1  Two walks side by side, of keys and revisions alone: equal are those whose last change is the same, and of these no value is read. A
 *     part of each is held, and the values of some pairs (law 9).
 * DFS2  Either revision may be the older one. A compaction that overtakes one ends it with `MVCC_COMPACTED` (law 2).
 */
import { compareBytes, type Bounds } from './bounds.ts';
import type { Difference, DiffOptions } from './changes.ts';
import { planDiff, type Compared } from './diff-plan.ts';
import type { Items } from './list-options.ts';
import { pullEach, type Source, type StreamOwner } from './pull.ts';
import type { ReadPlan } from './read-plan.ts';
import type { Records, StoredRecord } from './records.ts';
import { decodedOr } from './undecodable.ts';

/** A walk through the range at one of the revisions, without values, in the order that was asked for. */
export interface DiffWalk {
  /** The next part, `undefined` after the last. */
  next(): Promise<readonly StoredRecord[] | undefined>;
  /** Nothing more is read. */
  end(): void;
}

/** A key that the two have differently. */
export interface DiffPair {
  readonly before: StoredRecord | undefined;
  readonly after: StoredRecord | undefined;
}

/** Who reads both revisions. */
export interface DiffOrigin {
  readonly first: DiffWalk;
  readonly second: DiffWalk;
  /** So many pairs are read with their values at a time. */
  readonly atOnce: number;
  /** The same pairs with their values, each read at its own revision. */
  withValues(pairs: readonly DiffPair[]): readonly DiffPair[] | Promise<readonly DiffPair[]>;
}

/** The difference between two revisions. @param begin told what was asked for, checked, for each iteration */
export function diffOf<K, V>(
  owner: StreamOwner,
  records: Records<K, V>,
  compared: Compared<K>,
  options: DiffOptions,
  begin: (bounds: Bounds, plan: ReadPlan) => DiffOrigin,
): Items<Difference<K, V>> {
  const { bounds, plan } = planDiff(owner, records, compared, options);
  return pullEach(owner.slice, () => diffSource(owner, records, plan, begin(bounds, plan)));
}

/** One iteration of `diffOf`. */
export function diffSource<K, V>(
  owner: StreamOwner,
  records: Records<K, V>,
  plan: ReadPlan,
  origin: DiffOrigin,
): Source<Difference<K, V>> {
  return new DiffSource(owner, records, plan, origin);
}

/** A place in one of the two walks. */
class Side {
  readonly #walk: DiffWalk;
  #part: readonly StoredRecord[] = [];
  #index = 0;
  #ended = false;

  constructor(walk: DiffWalk) {
    this.#walk = walk;
  }

  /** Where it stands; `undefined` at the end, and where more must be loaded first. */
  get at(): StoredRecord | undefined {
    return this.#part[this.#index];
  }

  /** Nothing can be said before `load`. */
  get empty(): boolean {
    return !this.#ended && this.#index >= this.#part.length;
  }

  step(): void {
    this.#index++;
  }

  async load(): Promise<void> {
    const kvs = await this.#walk.next();
    this.#ended = kvs === undefined;
    this.#part = kvs ?? [];
    this.#index = 0;
  }

  end(): void {
    this.#walk.end();
    this.#ended = true;
    this.#part = [];
  }
}

class DiffSource<K, V> implements Source<Difference<K, V>> {
  readonly #owner: StreamOwner;
  readonly #records: Records<K, V>;
  readonly #plan: ReadPlan;
  readonly #origin: DiffOrigin;
  readonly #first: Side;
  readonly #second: Side;
  /** What differs, without values, and the first of them that was not read yet. */
  #pairs: readonly DiffPair[] = [];
  #unread = 0;
  #read: readonly DiffPair[] = [];
  #index = 0;
  #left: number;

  constructor(owner: StreamOwner, records: Records<K, V>, plan: ReadPlan, origin: DiffOrigin) {
    this.#owner = owner;
    this.#records = records;
    this.#plan = plan;
    this.#origin = origin;
    this.#first = new Side(origin.first);
    this.#second = new Side(origin.second);
    this.#left = plan.limit;
  }

  take(): Difference<K, V> | undefined {
    while (this.#left > 0) {
      const pair = this.#read[this.#index];
      if (pair === undefined) return undefined;
      this.#plan.signal?.throwIfAborted();
      this.#owner.check();
      this.#index++;
      const found = this.#difference(pair);
      if (found === undefined) continue;
      this.#left--;
      return found;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#left === 0) return false;
    try {
      if (this.#unread >= this.#pairs.length) {
        if (this.#first.empty) await this.#first.load();
        if (this.#second.empty) await this.#second.load();
        // Closed meanwhile.
        if (this.#left === 0) return false;
        this.#pairs = this.#step();
        this.#unread = 0;
        if (this.#pairs.length === 0) return this.#first.empty || this.#second.empty;
      }
      const part = this.#pairs.slice(this.#unread, this.#unread + Math.min(this.#origin.atOnce, this.#left));
      this.#read = await this.#origin.withValues(part);
      this.#unread += part.length;
      this.#index = 0;
      return true;
    } catch (error) {
      throw await this.#owner.failed(error);
    }
  }

  close(): void {
    this.#left = 0;
    this.#first.end();
    this.#second.end();
  }

  /** What differs, up to where one of the two must be loaded first. */
  #step(): readonly DiffPair[] {
    const pairs: DiffPair[] = [];
    while (!this.#first.empty && !this.#second.empty) {
      const [a, b] = [this.#first.at, this.#second.at];
      if (a === undefined && b === undefined) break;
      const order = this.#order(a, b);
      if (order <= 0) this.#first.step();
      if (order >= 0) this.#second.step();
      const pair = { before: order <= 0 ? a : undefined, after: order >= 0 ? b : undefined };
      if (pair.before?.modRevision !== pair.after?.modRevision) pairs.push(pair);
    }
    return pairs;
  }

  /** Below 0 where only the first walk is at the key that comes next, above 0 where only the second is. */
  #order(a: StoredRecord | undefined, b: StoredRecord | undefined): number {
    if (a === undefined) return 1;
    if (b === undefined) return -1;
    const order = compareBytes(a.key, b.key);
    return this.#plan.reverse ? -order : order;
  }

  #difference({ before, after }: DiffPair): Difference<K, V> | undefined {
    const either = after ?? before;
    if (either === undefined) return undefined;
    return decodedOr(this.#records, this.#plan.undecodable, either, () => {
      const previous = before && this.#records.entry(before);
      const entry = after && this.#records.entry(after);
      if (entry === undefined) return previous && { type: 'delete', key: previous.key, previous };
      const { key } = entry;
      return previous === undefined ? { type: 'put', key, entry } : { type: 'change', key, previous, entry };
    });
  }
}
