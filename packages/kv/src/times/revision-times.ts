/**
 * Notes when each revision was written, and finds it again: an observer of the store that has its rows in the same commits.
 *
 *   section finishes ──> a place in the newest block ──the commit it is in begins──> the block's row, last in that commit
 *
 * RVT1  A revision and its time are durable together, or neither is. Only the newest block changes: a commit writes a row for each block
 *       that its revisions lie in.
 * RVT2  A time is never before that of the revision before it, whatever the wall clock does (TPK1), also across a restart.
 * RVT3  Rows below the compacted revision are removed with later commits, `MOST_DROPPED` of them at a time: there is one row for 64 retained
 *       revisions (law 9).
 * RVT4  Nothing here may throw into a commit: that would end the store. So nothing is read there.
 */
import { timesBucket, type BackendOptions } from '@varve/backend';
import type { Clock } from '@varve/base/clock';
import type { ObserverFactory, Store } from '@varve/watch';
import { BLOCK, blockKey, blockOf, blockOfKey, emptyBlock, packBlock, UNKNOWN, unpackBlock } from './time-pack.ts';

/** Rows that one commit removes: a fraction of a millisecond. */
const MOST_DROPPED = 256;

type PreCommit = NonNullable<BackendOptions['preCommit']>;

export class RevisionTimes {
  readonly #clock: Pick<Clock, 'unixMs'>;
  #store: Store | undefined;
  /** The newest block, and whether its row is older than it. */
  #block = UNKNOWN;
  #times = emptyBlock();
  #changed = false;
  /** Rows of full blocks that wait for their commit. */
  readonly #full: Map<number, Uint8Array> = new Map();
  /** Of the newest revision. */
  #newest = 0;
  #hasBucket = false;
  /** Blocks before it have no rows any more; undefined until that is known. */
  #dropped: number | undefined;

  constructor(clock: Pick<Clock, 'unixMs'>) {
    this.#clock = clock;
  }

  readonly observe: ObserverFactory = (store) => {
    this.#store = store;
    return { finished: ({ revision }) => this.#finished(revision) };
  };

  readonly preCommit: PreCommit = (tx) => {
    if (this.#changed) {
      if (!this.#hasBucket) tx.createBucket(timesBucket);
      this.#hasBucket = true;
      for (const [block, row] of this.#full) tx.put(timesBucket, blockKey(block), row);
      this.#full.clear();
      tx.put(timesBucket, blockKey(this.#block), packBlock(this.#times));
      this.#changed = false;
    }
    if (this.#hasBucket && this.#dropped !== undefined) this.#drop(tx, this.#dropped);
  };

  /** Takes up what is there; before anything is written. @throws BackendError `BACKEND_CORRUPT` */
  async load(): Promise<void> {
    const { rows, visible } = this.#present();
    this.#dropped = blockOf(visible);
    for await (const [first] of rows.scan(timesBucket, { chunkSize: 1 })) {
      if (first === undefined) break;
      this.#dropped = blockOfKey(first.key);
      this.#hasBucket = true;
      break;
    }
    if (!this.#hasBucket) return;
    this.#block = blockOf(visible);
    const row = rows.get(timesBucket, blockKey(this.#block));
    if (row !== undefined) this.#times = unpackBlock(row);
    // What was cut off behind the present revision, by whom ever, is not its time.
    this.#times.fill(UNKNOWN, (visible % BLOCK) + 1);
    this.#newest = newestOf(this.#times) ?? (await this.#newestRow());
  }

  /** In milliseconds since 1970; undefined where it is not known. @throws BackendError `BACKEND_CORRUPT`; MvccError `MVCC_CLOSED` */
  timeOf(revision: number): number | undefined {
    const time = this.#timesOf(blockOf(revision))?.[revision % BLOCK];
    return time === UNKNOWN ? undefined : time;
  }

  /**
   * The newest visible revision that is known to have been written at that time or before; 0 where none is. It may be compacted.
   * @throws as `timeOf`
   */
  async revisionAt(unixMs: number): Promise<number> {
    const { visible, compacted } = this.#present();
    let [low, high] = [blockOf(compacted), blockOf(visible)];
    let found = 0;
    while (low <= high) {
      const middle = low + Math.floor((high - low) / 2);
      const block = await this.#blockFrom(middle, high);
      const revision = block === undefined ? undefined : this.#lastIn(block, unixMs, visible);
      if (block === undefined || revision === undefined) high = middle - 1;
      else {
        found = revision;
        low = block + 1;
      }
    }
    return found;
  }

  #finished(revision: number): void {
    const block = blockOf(revision);
    if (block !== this.#block) {
      if (this.#changed) this.#full.set(this.#block, packBlock(this.#times).slice());
      this.#block = block;
      this.#times.fill(UNKNOWN);
    }
    this.#newest = Math.max(this.#newest, Math.round(this.#clock.unixMs()));
    this.#times[revision % BLOCK] = this.#newest;
    this.#changed = true;
  }

  #drop(tx: Parameters<PreCommit>[0], dropped: number): void {
    const compacted = blockOf(this.#store?.firstRev() ?? 0);
    const end = Math.min(compacted, dropped + MOST_DROPPED);
    for (let block = dropped; block < end; block++) tx.delete(timesBucket, blockKey(block));
    this.#dropped = Math.max(dropped, end);
  }

  /** The times of a block; undefined where none is known. */
  #timesOf(block: number): Float64Array | undefined {
    if (block === this.#block) return this.#times;
    const row = this.#full.get(block) ?? this.#present().rows.get(timesBucket, blockKey(block));
    return row && unpackBlock(row);
  }

  /** The first block from `low` to `high` of which a time is known. */
  async #blockFrom(low: number, high: number): Promise<number | undefined> {
    if (this.#timesOf(low) !== undefined) return low;
    // Nobody kept times there for a while: those that wait for a commit are behind what has rows.
    const options = { start: blockKey(low), end: blockKey(high + 1), chunkSize: 1 };
    for await (const [first] of this.#present().rows.scan(timesBucket, options)) {
      if (first !== undefined) return blockOfKey(first.key);
    }
    return [...this.#full.keys(), this.#block].find((block) => block >= low && block <= high);
  }

  #lastIn(block: number, unixMs: number, visible: number): number | undefined {
    const times = this.#timesOf(block);
    const place = times?.findLastIndex(
      (time, at) => time !== UNKNOWN && time <= unixMs && block * BLOCK + at <= visible,
    );
    return place === undefined || place < 0 ? undefined : block * BLOCK + place;
  }

  /** The time of the newest revision that has one, where the present one has none. */
  async #newestRow(): Promise<number> {
    let newest = 0;
    for await (const entries of this.#present().rows.scan(timesBucket)) {
      newest = newestOf(unpackBlock(entries.at(-1)!.value)) ?? newest;
    }
    return newest;
  }

  #present(): { readonly rows: Store['rows']; readonly visible: number; readonly compacted: number } {
    const store = this.#store!;
    return { rows: store.rows, visible: store.rev(), compacted: store.firstRev() };
  }
}

function newestOf(times: Float64Array): number | undefined {
  return times.findLast((time) => time !== UNKNOWN);
}
