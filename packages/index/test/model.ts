/**
 * The index as one flat list of records, searched from end to end each time: slow and obviously right.
 */
import type { IndexEntry, KeyedIndexEntry, RangeEnd } from '../src/tree-index.ts';
import type { Revision } from '../src/revision.ts';

export interface Record extends IndexEntry {
  readonly key: Uint8Array;
  readonly tombstone: boolean;
}

export class Model {
  /** What is retained, oldest first. */
  records: Record[] = [];

  /** The record that a change would write; undefined for a deletion of what is not there. */
  next(key: Uint8Array, main: number, sub: number, tombstone: boolean): Record | undefined {
    const newest = this.#newest(key, main);
    const isLive = newest !== undefined && !newest.tombstone;
    if (tombstone && !isLive) return undefined;
    const { createdMain, createdSub } = isLive ? newest : { createdMain: main, createdSub: sub };
    return { key, main, sub, createdMain, createdSub, version: isLive ? newest.version + 1 : 1, tombstone };
  }

  undo(main: number): void {
    this.records = this.records.filter((record) => record.main !== main);
  }

  /** Newest at or before `atMain` for each key: stays when it is a put, or a tombstone of `atMain` itself. */
  kept(atMain: number): Record[] {
    return this.keys().flatMap((key) => {
      const newest = this.#newest(key, atMain);
      return newest !== undefined && (!newest.tombstone || newest.main === atMain) ? [newest] : [];
    });
  }

  compact(atMain: number): void {
    const kept = this.kept(atMain);
    this.records = this.records.filter((record) => record.main > atMain || kept.includes(record));
  }

  /** What a restart does: records do not tell the sub of a creation that is no longer among them. */
  forgetCreatedSubs(): void {
    this.records = this.records.map((record) => {
      const isKnown = this.records.some((other) => isCreationOf(other, record));
      return isKnown ? record : { ...record, createdSub: 0 };
    });
  }

  get(key: Uint8Array, atMain: number): IndexEntry | undefined {
    const newest = this.#newest(key, atMain);
    if (newest === undefined || newest.tombstone) return undefined;
    const { main, sub, createdMain, createdSub, version } = newest;
    return { main, sub, createdMain, createdSub, version };
  }

  range(key: Uint8Array, end: RangeEnd, atMain: number): KeyedIndexEntry[] {
    return this.keys().flatMap((candidate) => {
      const entry = inRange(candidate, key, end) ? this.get(candidate, atMain) : undefined;
      return entry === undefined ? [] : [{ key: candidate, ...entry }];
    });
  }

  since(key: Uint8Array, fromMain: number): Revision[] {
    const found = this.records.filter((record) => equal(record.key, key) && record.main >= fromMain);
    return found.filter(({ main }, i) => main !== found[i + 1]?.main).map(({ main, sub }) => ({ main, sub }));
  }

  /** Every key with any record, in byte order. */
  keys(): Uint8Array[] {
    const names = new Set(this.records.map(({ key }) => Buffer.from(key).toString('hex')));
    return [...names].map((name) => Uint8Array.from(Buffer.from(name, 'hex'))).toSorted((a, b) => Buffer.compare(a, b));
  }

  #newest(key: Uint8Array, atMain: number): Record | undefined {
    return this.records.findLast((record) => record.main <= atMain && equal(record.key, key));
  }
}

function isCreationOf(creation: Record, { key, createdMain, createdSub }: Record): boolean {
  return equal(creation.key, key) && creation.main === createdMain && creation.sub === createdSub;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function inRange(candidate: Uint8Array, key: Uint8Array, end: RangeEnd): boolean {
  if (end === undefined) return equal(candidate, key);
  return Buffer.compare(candidate, key) >= 0 && (end.length === 0 || Buffer.compare(candidate, end) < 0);
}
