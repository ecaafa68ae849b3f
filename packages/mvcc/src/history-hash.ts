/**
 * The hash over the records of a history, one record at a time.
 *
 * HH1  Of records at or below the compacted revision only those in `keep` count, always (D2), so the value is the same
 *      before, during and after the removal of the others.
 * HH2  The tombstones that compaction keeps at its own revision do not count: older versions did not keep them.
 * HH3  Above the compacted revision every record counts, so one that is missing is `MVCC_CORRUPT`, not another hash.
 *
 * etcd: server/storage/mvcc/hash.go, kvHasher (spec section 12.1). Departs: D2.
 */
import { crc32c, type Entry } from '@varve/backend';
import { joinCrc32c } from '@varve/base/crc32c-join';
import type { RevisionSet } from '@varve/index';
import { keyBucket } from './buckets.ts';
import { RecordOrder } from './record-order.ts';
import { isTombstone } from './revision-bytes.ts';

const BUCKET_HASH = crc32c(new TextEncoder().encode(keyBucket.name));

export class HistoryHash {
  readonly #compacted: number;
  readonly #keep: RevisionSet | undefined;
  readonly #order: RecordOrder;
  #hash: number = BUCKET_HASH;

  /** @param keep what counts at or below `compacted`; not needed while nothing is compacted */
  constructor(compacted: number, keep: RevisionSet | undefined) {
    this.#compacted = compacted;
    this.#keep = keep;
    this.#order = new RecordOrder(compacted);
  }

  /** The hash of all up to `revision`. @throws MvccError `MVCC_CORRUPT` when records are missing */
  end(revision: number): number {
    this.#order.end(revision);
    return this.#hash;
  }

  /** Adds a record as it is stored, in the order of revisions. */
  add(record: Entry, main: number, sub: number): void {
    this.#order.add(main, sub);
    if (main <= this.#compacted) {
      if (this.#keep?.has(main, sub) !== true) return;
      if (main === this.#compacted && isTombstone(record.key)) return;
    }
    const { sum, bytes } = record;
    if (sum === undefined || bytes === undefined) this.#hash = crc32c(record.value, crc32c(record.key, this.#hash));
    else this.#hash = joinCrc32c(this.#hash, sum, bytes);
  }
}
