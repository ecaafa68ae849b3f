/**
 * The difference between two revisions, key by key.
 *
 * EDF1  Two walks side by side, of keys and revisions alone; of keys that are equal no value crosses the network, of the others they are asked
 *     for a page at a time.
 * EDF2  Either revision may be the older one. A compaction that overtakes one ends it with `MVCC_COMPACTED` (law 2).
 */
import type { Difference, DiffOptions, Items, Range } from '@varve/api';
import {
  checkDiff,
  checkRevision,
  compareBytes,
  decodedOr,
  planRead,
  pullEach,
  type Bounds,
  type ReadPlan,
  type Records,
  type Source,
  type StoredRecord,
} from '@varve/api/implement';
import type { Core } from '../core.ts';
import { recordsOfKeys } from './many.ts';
import { Walk } from './range-walk.ts';

export interface Compared<K> {
  readonly first: number;
  readonly second: number;
  readonly range: Range<K>;
}

export function diffOf<K, V>(
  core: Core,
  records: Records<K, V>,
  { first, second, range }: Compared<K>,
  options: DiffOptions = {},
): Items<Difference<K, V>> {
  core.check();
  checkRevision(first, 'the first revision');
  checkRevision(second, 'the second revision');
  checkDiff(options);
  const plan = planRead(options);
  const bounds = records.keys.bounds(range);
  return pullEach(core.world.slice, () => new DiffSource(core, records, { bounds, plan, first, second }));
}

interface Task {
  readonly bounds: Bounds;
  readonly plan: ReadPlan;
  readonly first: number;
  readonly second: number;
}

/** A key that the two have differently, without values. */
interface Pair {
  readonly before: StoredRecord | undefined;
  readonly after: StoredRecord | undefined;
}

/** A place in one of the two walks. */
class Side {
  readonly #walk: Walk;
  #page: readonly StoredRecord[] = [];
  #index = 0;
  #ended = false;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  get at(): StoredRecord | undefined {
    return this.#page[this.#index];
  }

  /** Nothing can be said before `load`. */
  get empty(): boolean {
    return !this.#ended && this.#index >= this.#page.length;
  }

  step(): void {
    this.#index++;
  }

  async load(): Promise<void> {
    const kvs = await this.#walk.next();
    this.#ended = kvs === undefined;
    this.#page = kvs ?? [];
    this.#index = 0;
  }

  end(): void {
    this.#walk.end();
    this.#ended = true;
    this.#page = [];
  }
}

class DiffSource<K, V> implements Source<Difference<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #task: Task;
  readonly #first: Side;
  readonly #second: Side;
  #pairs: readonly Pair[] = [];
  #index = 0;
  #left: number;

  constructor(core: Core, records: Records<K, V>, task: Task) {
    const { bounds, plan, first, second } = task;
    this.#core = core;
    this.#records = records;
    this.#task = task;
    this.#first = new Side(new Walk(core, { bounds, plan, revision: first, keysOnly: true }));
    this.#second = new Side(new Walk(core, { bounds, plan, revision: second, keysOnly: true }));
    this.#left = plan.limit;
  }

  take(): Difference<K, V> | undefined {
    while (this.#left > 0) {
      const pair = this.#pairs[this.#index];
      if (pair === undefined) return undefined;
      this.#task.plan.signal?.throwIfAborted();
      this.#core.check();
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
      if (this.#first.empty) await this.#first.load();
      if (this.#second.empty) await this.#second.load();
      const pairs = this.#step();
      if (pairs.length === 0 && !this.#first.empty && !this.#second.empty) return false;
      this.#pairs = await this.#withValues(pairs);
      this.#index = 0;
      return true;
    } catch (error) {
      throw await this.#core.explained(error);
    }
  }

  close(): void {
    this.#left = 0;
    this.#first.end();
    this.#second.end();
  }

  /** What differs, up to where one of the two must be loaded first. */
  #step(): readonly Pair[] {
    const pairs: Pair[] = [];
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
    return this.#task.plan.reverse ? -order : order;
  }

  async #withValues(pairs: readonly Pair[]): Promise<readonly Pair[]> {
    const { first, second, plan } = this.#task;
    const read = async (kvs: readonly (StoredRecord | undefined)[], revision: number) => {
      const wanted = kvs.flatMap((kv) => (kv === undefined ? [] : [kv.key]));
      const found = [...(await recordsOfKeys(this.#core, wanted, revision, plan.signal))];
      return kvs.map((kv) => (kv === undefined ? undefined : found.shift()));
    };
    const before = await read(
      pairs.map((pair) => pair.before),
      first,
    );
    const after = await read(
      pairs.map((pair) => pair.after),
      second,
    );
    return pairs.map((_, i) => ({ before: before[i], after: after[i] }));
  }

  #difference({ before, after }: Pair): Difference<K, V> | undefined {
    const either = after ?? before;
    if (either === undefined) return undefined;
    return decodedOr(this.#records, this.#task.plan.undecodable, either, () => {
      const previous = before && this.#records.entry(before);
      const entry = after && this.#records.entry(after);
      if (entry === undefined) return previous && { type: 'delete', key: previous.key, previous };
      const { key } = entry;
      return previous === undefined ? { type: 'put', key, entry } : { type: 'change', key, previous, entry };
    });
  }
}
