/** Which pages may be written over, against what readers and commits say page by page. */
import { describe, expect, test } from 'vitest';
import { FreeRuns } from '../src/pages/free-runs.ts';
import { PageLedger } from '../src/pages/page-ledger.ts';
import { seeded } from './simulated-disk.ts';

/** States `allocatedBy` to `freedBy - 1` use the page; one that is in use was freed by nobody. */
interface Life {
  readonly allocatedBy: number;
  readonly freedBy: number | undefined;
}

/** The ledger, and all that it should know. */
class Checked {
  readonly ledger: PageLedger = new PageLedger(new Float64Array(0), new Float64Array(0), 1);
  readonly readers: number[] = [];
  readonly #lives = new Map<number, Life>();
  readonly #random: () => number;
  #free = new Set<number>();
  #highWater = 4;
  #txid = 1;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  read(): void {
    this.readers.push(this.#txid);
    this.ledger.addReader(this.#txid);
  }

  endRead(index: number): void {
    for (const reader of this.readers.splice(index, 1)) this.ledger.removeReader(reader);
  }

  commit(fails: boolean): void {
    const txid = this.#txid + 1;
    this.ledger.release(txid);
    this.ledger.checkInvariants();
    for (const [id, { allocatedBy, freedBy }] of this.#lives) {
      if (freedBy === undefined || freedBy > txid - 2) continue;
      if (this.readers.some((reader) => allocatedBy <= reader && reader < freedBy)) continue;
      this.#lives.delete(id);
      this.#free.add(id);
    }
    expect(this.#drained()).toEqual([...this.#free].toSorted((a, b) => a - b));
    const freed = [...this.#lives].filter(([, life]) => life.freedBy === undefined && this.below(3) === 0);
    const freedIds = Float64Array.from(freed.map(([id]) => id)).sort();
    const allocated = Array.from({ length: this.below(12) }, () => this.#allocate(1 + this.below(3)));
    this.ledger.checkInvariants();
    expect([...this.ledger.listed(freedIds)]).toEqual(this.#listed(freedIds, allocated.flat()));
    if (fails) {
      this.ledger.undo();
      this.ledger.checkInvariants();
      return;
    }
    this.ledger.publish(
      txid,
      freedIds,
      allocated.map((ids) => [ids[0] as number, ids.length]),
    );
    for (const id of freedIds) this.#lives.set(id, { ...(this.#lives.get(id) as Life), freedBy: txid });
    for (const id of allocated.flat()) {
      this.#free.delete(id);
      this.#lives.set(id, { allocatedBy: txid, freedBy: undefined });
    }
    this.#txid = txid;
    this.ledger.checkInvariants();
    expect(this.ledger.count).toBe(this.#listed(new Float64Array(0), []).length);
  }

  /** All that is free, taken and given back. */
  #drained(): number[] {
    const ids: number[] = [];
    for (let id = this.ledger.take(1); id !== 0; id = this.ledger.take(1)) ids.push(id);
    this.ledger.undo();
    this.ledger.release(this.#txid + 1);
    return ids;
  }

  #allocate(pages: number): number[] {
    let first = this.ledger.take(pages);
    if (first === 0) {
      first = this.#highWater;
      this.#highWater += pages;
    }
    return Array.from({ length: pages }, (_, i) => first + i);
  }

  #listed(freed: Float64Array, taken: readonly number[]): number[] {
    const waiting = [...this.#lives].filter(([, life]) => life.freedBy !== undefined).map(([id]) => id);
    return [...this.#free, ...waiting, ...freed].filter((id) => !taken.includes(id)).toSorted((a, b) => a - b);
  }
}

describe('pages that wait for readers', () => {
  test.each(Array.from({ length: 30 }, (_, i) => i + 1))('F38 F42 R53 as their lives say: seed %i', (seed) => {
    const checked = new Checked(seed);
    // As an engine does it: the present is always read, and exchanged after each commit; now and then there is a long reader.
    const keepsPresent = seed % 2 === 0;
    for (let i = 0; i < 120; i++) {
      if (checked.below(4) === 0) checked.read();
      if (checked.below(4) === 0) checked.endRead(checked.below(checked.readers.length));
      const present = checked.readers.length - 1;
      checked.commit(checked.below(10) === 0);
      if (!keepsPresent) continue;
      checked.read();
      if (present >= 0) checked.endRead(present);
    }
    while (checked.readers.length > 0) checked.endRead(0);
    for (let i = 0; i < 4; i++) checked.commit(false);
  });
});

describe('checks of the books', () => {
  const ids = (...list: number[]): Float64Array => Float64Array.from(list);

  test.each<readonly [rule: string, ledger: () => PageLedger]>([
    ['PGL1', () => new PageLedger(ids(5, 6), ids(6), 1)],
    [
      'PGL3',
      () => {
        const ledger = new PageLedger(ids(), ids(7, 8), 1);
        ledger.publish(2, ids(12, 11), []);
        return ledger;
      },
    ],
  ])('%s is missed when it is broken', (rule, ledger) => {
    expect(() => ledger().checkInvariants()).toThrow(rule);
  });

  test('FR1 is missed when ids are added that are there', () => {
    const runs = new FreeRuns();
    runs.add(ids(5, 6, 9));
    runs.checkInvariants();
    runs.add(ids(5));
    expect(() => runs.checkInvariants()).toThrow('FR1');
  });

  test('FR1 FR2 runs are a set of pages, and the lowest that fits is taken', () => {
    const random = seeded(7);
    const runs = new FreeRuns();
    const model = new Set<number>();
    for (let step = 0; step < 3000; step++) {
      if (random() < 0.3) {
        const added = new Set<number>();
        for (let i = 0; i < 20; i++) added.add(4 + Math.floor(random() * 300));
        const fresh = [...added].filter((id) => !model.has(id)).toSorted((a, b) => a - b);
        runs.add(ids(...fresh));
        for (const id of fresh) model.add(id);
      } else {
        const pages = 1 + Math.floor(random() * 4);
        const fits = (id: number): boolean =>
          Array.from({ length: pages }, (_, i) => id + i).every((n) => model.has(n));
        const lowest = [...model].toSorted((a, b) => a - b).find(fits) ?? 0;
        expect(runs.take(pages)).toBe(lowest);
        if (lowest !== 0) for (let i = 0; i < pages; i++) model.delete(lowest + i);
      }
      runs.checkInvariants();
      expect(runs.count).toBe(model.size);
    }
  });
});
