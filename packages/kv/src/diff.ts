/**
 * The difference between two revisions, key by key.
 *
 * DF1  Two walks side by side, of keys and revisions alone: equal are those whose last change is the same, and of these no value
 *     is read. A chunk of each is held (law 9).
 * DF2  Either revision may be the older one. Both are read until the end: a compaction that overtakes one ends it with
 *     `MVCC_COMPACTED` (law 2).
 */
import { compareBytes } from '@varve/base/order';
import type { Difference, DiffOptions, Items, Range } from '@varve/api';
import {
  checkDiff,
  checkRevision,
  decodedOr,
  planRead,
  type Bounds,
  type ReadPlan,
  type Records,
  pullEach,
  type Source,
} from '@varve/api/implement';
import type { KeyValue } from '@varve/watch';
import type { Core } from './core.ts';
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

/** A place in one of the two walks. */
class Side {
  readonly #walk: Walk;
  #chunk: readonly KeyValue[] = [];
  #index = 0;
  #ended = false;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  /** Where it stands; `undefined` at the end, and where more must be loaded first. */
  get at(): KeyValue | undefined {
    return this.#chunk[this.#index];
  }

  /** Nothing can be said before `load`. */
  get empty(): boolean {
    return !this.#ended && this.#index >= this.#chunk.length;
  }

  step(): void {
    this.#index++;
  }

  async load(): Promise<void> {
    const kvs = await this.#walk.next();
    this.#ended = kvs === undefined;
    this.#chunk = kvs ?? [];
    this.#index = 0;
  }

  end(): void {
    this.#walk.end();
    this.#ended = true;
    this.#chunk = [];
  }
}

interface Task {
  readonly bounds: Bounds;
  readonly plan: ReadPlan;
  readonly first: number;
  readonly second: number;
}

class DiffSource<K, V> implements Source<Difference<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #task: Task;
  readonly #first: Side;
  readonly #second: Side;
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
    while (this.#left > 0 && !this.#first.empty && !this.#second.empty) {
      this.#task.plan.signal?.throwIfAborted();
      this.#core.check();
      const [a, b] = [this.#first.at, this.#second.at];
      if (a === undefined && b === undefined) return undefined;
      const order = this.#order(a, b);
      if (order <= 0) this.#first.step();
      if (order >= 0) this.#second.step();
      const found = this.#difference(order <= 0 ? a : undefined, order >= 0 ? b : undefined);
      if (found === undefined) continue;
      this.#left--;
      return found;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#left === 0 || (!this.#first.empty && !this.#second.empty)) return false;
    if (this.#first.empty) await this.#first.load();
    if (this.#second.empty) await this.#second.load();
    return true;
  }

  close(): void {
    this.#left = 0;
    this.#first.end();
    this.#second.end();
  }

  /** Below 0 where only the first walk is at the key that comes next, above 0 where only the second is. */
  #order(a: KeyValue | undefined, b: KeyValue | undefined): number {
    if (a === undefined) return 1;
    if (b === undefined) return -1;
    const order = compareBytes(a.key, b.key);
    return this.#task.plan.reverse ? -order : order;
  }

  #difference(a: KeyValue | undefined, b: KeyValue | undefined): Difference<K, V> | undefined {
    if (a?.modRevision === b?.modRevision) return undefined;
    const { first, second, plan } = this.#task;
    const [before, after] = [this.#read(a, first), this.#read(b, second)];
    const either = before ?? after;
    if (either === undefined) return undefined;
    return decodedOr(this.#records, plan.undecodable, after ?? either, () => {
      const previous = before && this.#records.entry(before);
      const entry = after && this.#records.entry(after);
      if (entry === undefined) return previous && { type: 'delete', key: previous.key, previous };
      const { key } = entry;
      return previous === undefined ? { type: 'put', key, entry } : { type: 'change', key, previous, entry };
    });
  }

  #read(kv: KeyValue | undefined, revision: number): KeyValue | undefined {
    return kv && this.#core.store.get(kv.key, { revision });
  }
}
