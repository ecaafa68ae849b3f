/**
 * The newest visible transactions, kept in memory while some watcher is behind.
 *
 * RCN1  Consecutive: every transaction from the first kept one to the visible revision is there.
 * RCN2  Bounded in transactions and bytes; the oldest go first. Empty while nobody is behind, and while all who are behind
 *     are far behind (`REACH`) or asleep: keeping costs writers a fifth of a put.
 *
 * A watcher that has read history up to here is brought to the present in the same tick. Without it, one that catches
 * up under a steady stream of writes would find new ones after each reading, and never be done.
 */
import type { Change, FinishedTransaction } from '@varve/mvcc';

const MOST_TRANSACTIONS = 4096;
const MOST_BYTES = 4 * 1024 * 1024;
/** Whoever is behind by so much gets here soon: as long as it reads faster than others write. */
const REACH = 2 * MOST_TRANSACTIONS;

/** What a run of history may hold at the most. */
export interface WindowLimits {
  readonly revisions: number;
  readonly changes: number;
  readonly bytes: number;
}

interface Transaction {
  /** The revision after the one before: in a sparse store it speaks for those in between, too. */
  readonly from: number;
  readonly revision: number;
  readonly changes: readonly Change[];
  readonly bytes: number;
}

export class RecentChanges {
  #kept: (Transaction | undefined)[] = [];
  /** Index of the oldest; those before it are gone. */
  #first = 0;
  #bytes = 0;
  #keeps = false;
  /** The visible revision when somebody was last seen behind, and near. */
  #nearAt = 0;

  /** Somebody who is behind stands at `revision`: what comes now may be served to it from here, if that is near. */
  nearer(revision: number, visible: number): void {
    if (revision + REACH <= visible) return;
    this.#keeps = true;
    this.#nearAt = visible;
  }

  /** Nobody is behind. */
  stop(): void {
    this.#keeps = false;
    this.clear();
  }

  /** @param before what was visible before it */
  add(transaction: FinishedTransaction, before: number): void {
    if (!this.#keeps) return;
    this.#append(transaction.revision, before, transaction.changes);
    // Once nobody was near for as long as is kept, keeping serves nobody.
    if (this.#oldest > this.#nearAt + 1) this.stop();
  }

  clear(): void {
    if (this.#kept.length === 0) return;
    this.#kept = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  /** The changes from revision `from` on, up to the limits, and the revision after them; `undefined` when `from` is not here. */
  read(from: number, limits: WindowLimits): { readonly changes: readonly Change[]; readonly to: number } | undefined {
    const oldest = this.#kept[this.#first];
    if (oldest === undefined || from < oldest.from) return undefined;
    const changes: Change[] = [];
    let to = from;
    let bytes = 0;
    const begin = this.#placeOf(from, oldest);
    for (let i = begin; i < this.#kept.length; i++) {
      const transaction = this.#kept[i]!;
      if (i - begin >= limits.revisions || changes.length >= limits.changes || bytes >= limits.bytes) break;
      for (const change of transaction.changes) changes.push(change);
      bytes += transaction.bytes;
      to = transaction.revision + 1;
    }
    return to === from ? undefined : { changes, to };
  }

  /** Throws when RCN1 or RCN2 does not hold at `visible`. For tests. */
  checkInvariants(visible: number): void {
    let bytes = 0;
    let revision = this.#oldest;
    for (const transaction of this.#kept.slice(this.#first)) {
      if (transaction?.from !== revision) throw new Error('RCN1: a transaction is missing');
      revision = transaction.revision + 1;
      bytes += transaction.bytes;
    }
    if (this.#oldest !== 0 && revision !== visible + 1) throw new Error('RCN1: the newest is not the visible one');
    if (bytes !== this.#bytes || bytes > MOST_BYTES) throw new Error('RCN2: the bytes are counted wrong');
    if (!this.#keeps && this.#oldest !== 0) throw new Error('RCN2: something is kept for nobody');
  }

  /** The first one that is not before `from`. */
  #placeOf(from: number, oldest: Transaction): number {
    // Where no revision is missing it is a subtraction.
    const dense = this.#first + from - oldest.from;
    if (this.#kept[dense]?.revision === from) return dense;
    let low = this.#first;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#kept[middle]!.revision < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #append(revision: number, before: number, changes: readonly Change[]): void {
    const last = this.#kept.at(-1);
    if (last !== undefined && last.revision !== before) this.clear();
    const bytes = bytesOf(changes);
    this.#kept.push({ from: before + 1, revision, changes, bytes });
    this.#bytes += bytes;
    while (this.#kept.length - this.#first > MOST_TRANSACTIONS || this.#bytes > MOST_BYTES) this.#drop();
  }

  /** The first revision that is kept; 0 when none is. */
  get #oldest(): number {
    return this.#kept[this.#first]?.from ?? 0;
  }

  #drop(): void {
    this.#bytes -= this.#kept[this.#first]!.bytes;
    this.#kept[this.#first] = undefined;
    this.#first++;
    // Moving the rest down once per so many drops keeps a drop at constant cost.
    if (this.#first > MOST_TRANSACTIONS || this.#first === this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }
}

function bytesOf(changes: readonly Change[]): number {
  let bytes = 0;
  for (const { kv } of changes) bytes += kv.key.length + kv.value.length;
  return bytes;
}
