/**
 * Reads of a range at one revision, chunk by chunk: filtered, in the order of the keys or in another.
 *
 * RGW1  A chunk is about a megabyte at most, and nothing is held between two of them; when compaction overtakes the walk it
 *     ends with `MVCC_COMPACTED`, never with a mixture (law 2).
 * RGW2  In another order than that of the keys the range is read whole before the first is given. Where so many are wanted only,
 *     hardly more than twice as many are held at a time (law 9).
 * RGW3  What is equal in the order asked for comes in that of the keys, so that every order is total: pages need that.
 *
 * etcd: apply of a RangeRequest (spec server-api 5.2, steps 4 to 7).
 */
import { collect, restBehind, WalkSource, type Bounds, type ReadPlan, type Source } from '@varve/api/implement';
import type { KeyValue } from '@varve/watch';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';

/** What a walk reads. */
export interface Walked {
  readonly bounds: Bounds;
  readonly plan: ReadPlan;
  /** 0 for the present of the first chunk. */
  readonly revision: number;
  /** Values are not looked at. */
  readonly keysOnly: boolean;
  /** The first in order that is wanted, where the order is not that of the keys. @default the first there is */
  readonly from?: KeyValue | undefined;
}

/** The records of a range in the order of the keys, unfiltered; backwards only where that is the order asked for. */
export class Walk {
  readonly #core: Core;
  readonly #plan: ReadPlan;
  readonly #keysOnly: boolean;
  readonly #size = new ChunkSize();
  #revision: number;
  /** What is still to be read; `undefined` after the last chunk. */
  #rest: Bounds | undefined;

  constructor(core: Core, { bounds, plan, revision, keysOnly }: Walked) {
    this.#core = core;
    this.#plan = plan;
    this.#keysOnly = keysOnly;
    this.#revision = revision;
    this.#rest = bounds;
  }

  /** The next chunk, `undefined` after the last. @param most so many are wanted at most */
  async next(most: number = Number.POSITIVE_INFINITY): Promise<readonly KeyValue[] | undefined> {
    const rest = this.#rest;
    if (rest === undefined) return undefined;
    const { signal } = this.#plan;
    const reverse = this.#plan.reverse && this.#plan.orderBy === 'key';
    signal?.throwIfAborted();
    this.#core.check();
    if (this.#revision === 0) this.#revision = this.#core.store.rev();
    const limit = Math.min(this.#size.entries, most);
    const read = { revision: this.#revision, limit, reverse, keysOnly: this.#keysOnly, signal };
    try {
      const { kvs } = await this.#core.store.range(rest.key, rest.end, read);
      const last = kvs.length < limit ? undefined : kvs.at(-1);
      this.#rest = last && restBehind(last.key, rest, reverse);
      this.#size.learn(kvs);
      return kvs.length === 0 ? undefined : kvs;
    } catch (error) {
      throw this.#core.inOwnWords(error);
    }
  }

  end(): void {
    this.#rest = undefined;
  }
}

/** What the filters choose, in the order asked for; the first `most` of it. */
export function collectWalk(core: Core, walked: Walked, most: number): Promise<readonly KeyValue[]> {
  return collect(core.world.slice, new Walk(core, walked), walked, most, walked.plan.wanted);
}

/** How many the filters choose, at most `plan.limit`. */
export async function countWalk(core: Core, walked: Walked): Promise<number> {
  const { bounds, plan, revision } = walked;
  if (plan.wanted === undefined) {
    const { signal } = plan;
    const { count } = await core.store.range(bounds.key, bounds.end, { revision, countOnly: true, signal });
    return Math.min(count, plan.limit);
  }
  const walk = new Walk(core, { ...walked, keysOnly: true });
  let count = 0;
  for (let kvs = await walk.next(); kvs !== undefined && count < plan.limit; kvs = await walk.next()) {
    if (core.world.slice.over()) await core.world.slice.next();
    for (const kv of kvs) if (plan.wanted(kv)) count++;
  }
  return Math.min(count, plan.limit);
}

/** The same as a source of items. @param decode gives `undefined` for what is passed over, which does not count for the limit */
export function walkSource<T>(core: Core, walked: Walked, decode: (kv: KeyValue) => T | undefined): Source<T> {
  const walk = new Walk(core, walked);
  const whole = {
    next: (most?: number) => walk.next(most),
    collect: (most: number) => collectWalk(core, walked, most),
    end: () => walk.end(),
    check: () => core.check(),
  };
  return new WalkSource(whole, walked.plan, walked.plan.wanted, decode);
}
