/** The store by the book: one whole map for each revision. Slow, and obviously right. */
import type { KeyValue } from '../src/store.ts';
import { bytes } from './support.ts';

export type Step =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly type: 'delete'; readonly key: string; readonly end: string | undefined };

/** One change as it is stored. */
export interface ModelRecord {
  readonly main: number;
  readonly sub: number;
  readonly key: string;
  readonly tombstone: boolean;
}

export type State = ReadonlyMap<string, KeyValue>;

export class Model {
  /** By revision; 0 is not used. */
  states: State[] = [new Map(), new Map()];
  /** The steps that made a revision. */
  txns: (readonly Step[])[] = [[], []];
  records: ModelRecord[] = [];

  get revision(): number {
    return this.states.length - 1;
  }

  at(revision: number): readonly KeyValue[] {
    const state = this.states[revision]!;
    return [...state.keys()].toSorted().map((key) => state.get(key)!);
  }

  /** Whether it changed anything. */
  apply(steps: readonly Step[]): boolean {
    const main = this.revision + 1;
    const state = new Map(this.states[main - 1]);
    const made: ModelRecord[] = [];
    for (const step of steps) {
      if (step.type === 'put') {
        const before = state.get(step.key);
        state.set(step.key, {
          key: bytes(step.key),
          value: bytes(step.value),
          createRevision: before?.createRevision ?? main,
          modRevision: main,
          version: (before?.version ?? 0) + 1,
          lease: step.lease,
        });
        made.push({ main, sub: made.length, key: step.key, tombstone: false });
      } else {
        for (const key of [...state.keys()].toSorted()) {
          if (step.end === undefined ? key !== step.key : key < step.key || (step.end !== '' && key >= step.end)) {
            continue;
          }
          state.delete(key);
          made.push({ main, sub: made.length, key, tombstone: true });
        }
      }
    }
    if (made.length === 0) return false;
    this.states.push(state);
    this.txns.push(steps);
    this.records.push(...made);
    return true;
  }

  /** Forgets everything after a revision, as a crash does. */
  truncate(revision: number): void {
    this.states.length = revision + 1;
    this.txns.length = revision + 1;
    this.records = this.records.filter(({ main }) => main <= revision);
  }

  /** The rows that remain after a finished compaction (spec 10.3 with D1). */
  rows(compacted: number): readonly string[] {
    const newest = new Map<string, ModelRecord>();
    for (const record of this.records) if (record.main <= compacted) newest.set(record.key, record);
    return this.records
      .filter((record) => {
        if (record.main > compacted) return true;
        return newest.get(record.key) === record && (!record.tombstone || record.main === compacted);
      })
      .map(({ main, sub, tombstone }) => `${main}.${sub}${tombstone ? 't' : ''}`);
  }
}
