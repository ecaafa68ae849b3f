/**
 * Revisions that are kept readable for a while: a compaction does not pass a running hold, and each hold ends by itself.
 *
 * HOLD1  A hold ends at the first of three: it is closed, its time is over, the store is so many revisions ahead of it. So what it can keep is
 *       known when it is made (law 9, decisions/0045).
 * HOLD2  It is a matter of this process: nothing is written, and closing the store ends it.
 * HOLD3  Whether one runs is asked when it matters, by the clock that only goes forward: there is no timer.
 * HOLD4  What was compacted, or is about to be, cannot be held any more. A compaction that failed leaves what was there before to be held.
 * HOLD5  Memory is bounded by the holds that run: ended ones that nobody asks for are dropped whenever their number has doubled (law 9).
 */
import { KvError } from '@varve/api';
import { checkNames, checkOptionalInteger, checkRevision, outOfRange } from '@varve/api/implement';
import type { Clock } from '@varve/base/clock';
import type { Compaction, Store } from '@varve/watch';

/** How long a revision is held at the most. */
export interface HoldOptions {
  /** Milliseconds, up to a day. @default 600_000 */
  readonly ageMs?: number | undefined;
  /** It ends when the present revision is so many ahead of the one that is held, up to 1_000_000_000. @default 1_000_000 */
  readonly revisions?: number | undefined;
}

/** A revision that is kept readable. */
export interface Hold extends Disposable {
  /** The revision that is held, and so all after it. */
  readonly revision: number;
  /** False once it has ended, however: from then on the revision may be compacted at any time. */
  readonly running: boolean;
  /** Lets the revision go. Idempotent. */
  close(): void;
}

/** A hold as `stats` shows it. */
export interface HoldStatus {
  readonly revision: number;
  /** What is left of its time. */
  readonly leftMs: number;
  /** How many revisions the store may still make before it ends. */
  readonly leftRevisions: number;
}

const optionNames = ['ageMs', 'revisions'];
const DEFAULT_AGE_MS = 600_000;
const DEFAULT_REVISIONS = 1_000_000;
/** What a hold takes. */
export const MOST_AGE_MS = 86_400_000;
export const MOST_REVISIONS = 1_000_000_000;

/** Fewer are not worth a look. */
const FEW_HOLDS = 64;

type HeldStore = Pick<Store, 'rev' | 'firstRev' | 'compact'>;

export class Holds {
  readonly #store: HeldStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #holds: Set<StoreHold> = new Set();
  /** When ended ones are looked for again. */
  #sweepAt = FEW_HOLDS;
  /** Compactions that were asked for and are not accepted yet. */
  readonly #compacting: Set<{ readonly revision: number }> = new Set();

  constructor(store: HeldStore, clock: Pick<Clock, 'now'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws TypeError, RangeError `KV_INVALID`, also for what would have ended already; KvError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION` */
  add(revision: number, options: HoldOptions = {}): Hold {
    checkRevision(revision, 'revision');
    checkNames(options, 'options', optionNames);
    const { ageMs = DEFAULT_AGE_MS, revisions = DEFAULT_REVISIONS } = options;
    checkOptionalInteger(ageMs, 'ageMs', 1, MOST_AGE_MS);
    checkOptionalInteger(revisions, 'revisions', 1, MOST_REVISIONS);
    const [compacted, current] = [this.#lowest(), this.#store.rev()];
    if (revision < compacted) {
      const message = `revision ${revision} is compacted; hold ${compacted} or a later one`;
      throw new KvError('MVCC_COMPACTED', message, { compactRevision: compacted });
    }
    if (revision > current) {
      const message = `revision ${revision} does not exist yet; hold ${current} or an earlier one`;
      throw new KvError('MVCC_FUTURE_REVISION', message, { currentRevision: current });
    }
    const behind = current - revision;
    if (behind >= revisions) {
      const message = `revision ${revision} is ${behind} revisions behind the present one, so a hold that ends after ${revisions} would have ended already`;
      throw outOfRange(
        behind < MOST_REVISIONS
          ? `${message}: give it \`revisions\`, more than ${behind}, or hold a later revision`
          : `${message}: hold a later revision, less than ${MOST_REVISIONS} behind`,
      );
    }
    const hold = new StoreHold(this, revision, this.#clock.now() + ageMs, revision + revisions);
    this.#holds.add(hold);
    if (this.#holds.size >= this.#sweepAt) this.#sweepAt = Math.max(FEW_HOLDS, 2 * this.#running().length);
    return hold;
  }

  /** The oldest revision that a running hold keeps. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { revision } of this.#running()) oldest = Math.min(oldest ?? revision, revision);
    return oldest;
  }

  /** Compacts the store, in this tick, unless that would pass a running hold. @throws KvError `KV_HELD`; as the store's `compact` */
  async compact(revision: number): Promise<Compaction> {
    const { oldest } = this;
    // What the store refuses anyhow is its own affair.
    if (revision > this.#store.rev() || revision <= this.#store.firstRev()) return this.#store.compact(revision);
    if (oldest !== undefined && revision > oldest) {
      const message = `a hold, or an undo under way, keeps revision ${oldest}: compact up to that one, close the hold, or wait; stats().holds tells how long it lasts`;
      throw new KvError('KV_HELD', message, { revision: oldest });
    }
    const asked = { revision };
    this.#compacting.add(asked);
    try {
      return await this.#store.compact(revision);
    } finally {
      this.#compacting.delete(asked);
    }
  }

  /** Running ones, the oldest revision first. */
  status(): readonly HoldStatus[] {
    const [now, current] = [this.#clock.now(), this.#store.rev()];
    return this.#running()
      .map(({ revision, endsAt, lastRevision }) => ({
        revision,
        leftMs: Math.max(0, endsAt - now),
        leftRevisions: lastRevision - current,
      }))
      .toSorted((a, b) => a.revision - b.revision);
  }

  runs(hold: StoreHold): boolean {
    if (!this.#holds.has(hold)) return false;
    const over = this.#clock.now() >= hold.endsAt || this.#store.rev() >= hold.lastRevision;
    if (over) this.#holds.delete(hold);
    return !over;
  }

  delete(hold: StoreHold): void {
    this.#holds.delete(hold);
  }

  /** The store is closing. */
  end(): void {
    this.#holds.clear();
  }

  /** The oldest revision that can still be held. */
  #lowest(): number {
    let lowest = this.#store.firstRev();
    for (const { revision } of this.#compacting) lowest = Math.max(lowest, revision);
    return lowest;
  }

  #running(): StoreHold[] {
    return [...this.#holds].filter((hold) => this.runs(hold));
  }
}

class StoreHold implements Hold {
  readonly revision: number;
  readonly endsAt: number;
  readonly lastRevision: number;
  readonly #holds: Holds;

  constructor(holds: Holds, revision: number, endsAt: number, lastRevision: number) {
    this.#holds = holds;
    this.revision = revision;
    this.endsAt = endsAt;
    this.lastRevision = lastRevision;
  }

  get running(): boolean {
    return this.#holds.runs(this);
  }

  close(): void {
    this.#holds.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
