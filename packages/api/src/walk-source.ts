/** A walk through a range as a source of items: in the order of the keys as it goes, in another one once it is whole. */
import type { Source } from './pull.ts';
import type { ReadPlan } from './read-plan.ts';
import type { StoredRecord } from './records.ts';

/** Who reads the range. */
export interface RangeWalk {
  /** The next part in the order of the keys, `undefined` after the last. @param most so many are wanted at most; not given: as many as come */
  next(most?: number): Promise<readonly StoredRecord[] | undefined>;
  /** All of it in the order asked for, the first `most`. */
  collect(most: number): Promise<readonly StoredRecord[]>;
  /** Nothing more is read. */
  end(): void;
  /** @throws KvError `KV_CLOSED` */
  check(): void;
}

export class WalkSource<T> implements Source<T> {
  readonly #walk: RangeWalk;
  readonly #plan: ReadPlan;
  readonly #wanted: ((kv: StoredRecord) => boolean) | undefined;
  readonly #decode: (kv: StoredRecord) => T | undefined;
  #left: number;
  #ended = false;
  #part: readonly StoredRecord[] = [];
  #index = 0;

  /**
   * @param wanted the filters of the plan, where `next` does not apply them itself
   * @param decode gives `undefined` for what is passed over, which does not count for the limit
   */
  constructor(
    walk: RangeWalk,
    plan: ReadPlan,
    wanted: ((kv: StoredRecord) => boolean) | undefined,
    decode: (kv: StoredRecord) => T | undefined,
  ) {
    this.#walk = walk;
    this.#plan = plan;
    this.#wanted = wanted;
    this.#decode = decode;
    this.#left = plan.limit;
  }

  take(): T | undefined {
    const { signal } = this.#plan;
    const wanted = this.#wanted;
    while (this.#left > 0) {
      const kv = this.#part[this.#index];
      if (kv === undefined) return undefined;
      signal?.throwIfAborted();
      this.#walk.check();
      this.#index++;
      if (wanted?.(kv) === false) continue;
      const item = this.#decode(kv);
      if (item === undefined) continue;
      this.#left--;
      return item;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#left === 0) return false;
    const kvs = await this.#next();
    this.#part = kvs ?? [];
    this.#index = 0;
    return kvs !== undefined;
  }

  close(): void {
    this.#walk.end();
    this.#ended = true;
    this.#part = [];
  }

  async #next(): Promise<readonly StoredRecord[] | undefined> {
    const { orderBy, undecodable = 'throw' } = this.#plan;
    // What is passed over takes no place of what is wanted, so nothing is cut before it is decoded.
    const exact = undecodable === 'throw';
    if (orderBy === 'key') return this.#walk.next(this.#wanted === undefined && exact ? this.#left : undefined);
    if (this.#ended) return undefined;
    this.#ended = true;
    return this.#walk.collect(exact ? this.#left : Number.POSITIVE_INFINITY);
  }
}
