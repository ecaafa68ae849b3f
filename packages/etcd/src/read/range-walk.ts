/**
 * Reads of a range at one revision, page by page: filtered at the other side, in the order of the keys or in another.
 *
 * EWK1  The first page says which revision it is of, and the others ask for that one: all of a walk is of one revision (law 2). When compaction
 *     overtakes it, it ends with `MVCC_COMPACTED`.
 * EWK2  In another order than that of the keys the range is read whole and put in order here: etcd leaves open in which order what is
 *     equal comes, and pages need to know. Where so many are wanted only, hardly more than twice as many are held at a time (law 9).
 */
import {
  collect,
  restBehind,
  WalkSource,
  type Bounds,
  type ReadPlan,
  type Source,
  type StoredRecord,
} from '@varve/api/implement';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { PageSize } from './page-size.ts';

/** What a walk reads. */
export interface Walked {
  readonly bounds: Bounds;
  readonly plan: ReadPlan;
  /** 0 for the present of the first page. */
  readonly revision: number;
  /** Values are not looked at. */
  readonly keysOnly: boolean;
  /** The first in order that is wanted, where the order is not that of the keys. @default the first there is */
  readonly from?: StoredRecord | undefined;
}

/** The records of a range in the order of the keys, those that the filters choose; backwards only where that is the order asked for. */
export class Walk {
  readonly #core: Core;
  readonly #plan: ReadPlan;
  readonly #keysOnly: boolean;
  readonly #size = new PageSize();
  #revision: number;
  /** What is still to be read; `undefined` after the last page. */
  #rest: Bounds | undefined;

  constructor(core: Core, { bounds, plan, revision, keysOnly }: Walked) {
    this.#core = core;
    this.#plan = plan;
    this.#keysOnly = keysOnly;
    this.#revision = revision;
    this.#rest = bounds;
  }

  /** The revision that is read; 0 before the first page. */
  get revision(): number {
    return this.#revision;
  }

  /** The next page, `undefined` after the last. @param most so many are wanted at most */
  async next(most: number = Number.POSITIVE_INFINITY): Promise<readonly StoredRecord[] | undefined> {
    const rest = this.#rest;
    if (rest === undefined) return undefined;
    const { signal, orderBy, filter } = this.#plan;
    const reverse = this.#plan.reverse && orderBy === 'key';
    signal?.throwIfAborted();
    this.#core.check();
    const limit = Math.min(this.#size.entries, most);
    const asked = { bounds: rest, revision: this.#revision, limit, reverse, keysOnly: this.#keysOnly, filter };
    let answer;
    try {
      answer = await this.#core.range(asked, signal);
    } catch (error) {
      throw await this.#core.explained(error);
    }
    if (this.#revision === 0) this.#revision = Number(answer.header?.revision ?? 0n);
    this.#size.learn(answer.kvs);
    const last = answer.more ? answer.kvs.at(-1) : undefined;
    this.#rest = last && restBehind(last.key, rest, reverse);
    return answer.kvs.length === 0 ? undefined : answer.kvs.map(storedRecord);
  }

  end(): void {
    this.#rest = undefined;
  }
}

/** What the filters choose, in the order asked for; the first `most` of it, and the revision it is of. */
export async function collectWalk(
  core: Core,
  walked: Walked,
  most: number,
): Promise<{ readonly kvs: readonly StoredRecord[]; readonly revision: number }> {
  const walk = new Walk(core, walked);
  return { kvs: await collect(core.world.slice, walk, walked, most), revision: walk.revision };
}

/** How many the filters choose, at most `plan.limit`. etcd's own count is that of the unfiltered range. */
export async function countWalk(core: Core, walked: Walked): Promise<number> {
  const { bounds, plan, revision } = walked;
  if (plan.wanted === undefined) {
    const { count } = await core.range({ bounds, revision, countOnly: true }, plan.signal);
    return Math.min(Number(count), plan.limit);
  }
  const walk = new Walk(core, { ...walked, keysOnly: true });
  let count = 0;
  for (let kvs = await walk.next(); kvs !== undefined && count < plan.limit; kvs = await walk.next())
    count += kvs.length;
  return Math.min(count, plan.limit);
}

/** The same as a source of items. @param decode gives `undefined` for what is passed over, which does not count for the limit */
export function walkSource<T>(core: Core, walked: Walked, decode: (kv: StoredRecord) => T | undefined): Source<T> {
  const walk = new Walk(core, walked);
  const whole = {
    next: (most?: number) => walk.next(most),
    collect: async (most: number) => {
      core.check();
      try {
        return (await collectWalk(core, walked, most)).kvs;
      } catch (error) {
        throw await core.explained(error);
      }
    },
    end: () => walk.end(),
    check: () => core.check(),
  };
  // The other side has applied the filters.
  return new WalkSource(whole, walked.plan, undefined, decode);
}
