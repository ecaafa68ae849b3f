/**
 * Whether records follow each other as a history must: what every reading of the `key` bucket goes by (R46).
 *
 * RO1  Revisions ascend. Anything else is damage: records are doubled or out of order.
 * RO2  Above the revision up to which compaction may have removed some, none is missing: each transaction follows the one
 *      before, its changes count up from 0. A reader that skipped one would lose an event and not know it (law 4).
 * RO3  A sparse history is a part of another one (`StoreOptions.sparse`): whole revisions may be missing anywhere, and nothing can be
 *      told from that.
 */
import { byteKey } from '@varve/base/order';
import { MvccError } from './errors.ts';

/** What a sparse history is complete above. */
export const ANY_REVISION: number = Number.MAX_SAFE_INTEGER;

export class RecordOrder {
  /** The newest so far, 0 before the first. */
  main = 0;
  sub = 0;
  readonly #complete: number;

  /** @param complete nothing is missing above it; revision 1 has no record */
  constructor(complete: number) {
    this.#complete = Math.max(complete, 1);
  }

  /** @throws MvccError `MVCC_CORRUPT` when something is missing before it, or it comes too late */
  add(main: number, sub: number): void {
    if (main === this.main ? sub !== this.sub + 1 : main !== this.main + 1 || sub !== 0) this.#check(main, sub);
    this.main = main;
    this.sub = sub;
  }

  /** @throws MvccError `MVCC_CORRUPT` when something is missing up to `last` */
  end(last: number): void {
    const reached = Math.max(this.main, this.#complete);
    if (reached >= last) return;
    throw new MvccError(
      'MVCC_CORRUPT',
      `behind revision ${name(reached, this.sub)}, up to ${last}, records are missing`,
    );
  }

  /** The rarer cases: the first record, and what compaction has thinned. */
  #check(main: number, sub: number): void {
    if (main < this.main || (main === this.main && sub <= this.sub && this.main > 0)) {
      throw new MvccError(
        'MVCC_CORRUPT',
        `revision ${name(main, sub)} comes after ${name(this.main, this.sub)}: records are doubled or out of order`,
      );
    }
    if (main <= this.#complete) return;
    if (sub === 0 && main === Math.max(this.main, this.#complete) + 1) return;
    throw new MvccError(
      'MVCC_CORRUPT',
      `between revision ${name(this.main, this.sub)} and ${name(main, sub)} records are missing`,
    );
  }
}

/** `5.2`, or `5` for the first change of a transaction. */
export function name(main: number, sub: number): string {
  return sub === 0 ? `${main}` : `${main}.${sub}`;
}

/** A key in an error message: printable, and short. */
export function printKey(key: Uint8Array): string {
  return JSON.stringify(byteKey(key.subarray(0, 64)));
}
