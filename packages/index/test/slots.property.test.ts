/**
 * SLT1 to SLT4: whatever a key goes through, its slot says what a `KeyIndex` says that goes through the same, in the smallest form.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkKey } from '../src/check-invariants.ts';
import { KeyIndex, type Found } from '../src/key-index.ts';
import { PackedHistories } from '../src/packed-histories.ts';
import { RevisionSet } from '../src/revision-set.ts';
import { formOf, isHistory, Slots, type Slot } from '../src/slot.ts';
import { list } from './histories.ts';

type Step =
  | { readonly kind: 'put' | 'tombstone'; readonly gap: number; readonly sub: number; readonly times: number }
  | { readonly kind: 'undo' }
  | { readonly kind: 'compact'; readonly back: number; readonly isRenewed: boolean };

/** Across the limits of a word, of a sub beside a main, and of exact numbers with a fraction. */
const starts = [2, 2 ** 31 - 20, 2 ** 32 - 20, 2 ** 33];
const subs = [0, 0, 0, 1, 7, 2 ** 20, 2 ** 32];

const change = fc.record({
  kind: fc.constantFrom('put' as const, 'put' as const, 'tombstone' as const),
  gap: fc.nat(2),
  sub: fc.constantFrom(...subs),
  // Some runs end beyond the largest record.
  times: fc.constantFrom(1, 1, 1, 2, 10, 70),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 1, arbitrary: fc.constant({ kind: 'undo' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      back: fc.constantFrom(0, 0, 0, 1, 2, 5, 12),
      isRenewed: fc.boolean(),
    }),
  },
);

function found(find: (into: Found) => boolean): Found | undefined {
  const into: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
  return find(into) ? into : undefined;
}

/** One key, twice. */
class Pair {
  readonly slots: Slots;
  index = new KeyIndex();
  slot: Slot | undefined;
  main: number;
  sub = 0;

  constructor(slots: Slots, main: number) {
    this.slots = slots;
    this.main = main;
  }

  change(isDeletion: boolean, gap: number, sub: number): void {
    if (gap === 0 && this.sub >= sub) this.main++;
    this.main += gap;
    this.sub = sub;
    const { slot } = this;
    if (isDeletion) {
      if (slot === undefined || !this.index.tombstone(this.main, sub)) return;
      this.slot = this.slots.tombstone(slot, this.main, sub);
      return;
    }
    this.index.put(this.main, sub);
    this.slot = slot === undefined ? this.slots.firstPut(this.main, sub) : this.slots.put(slot, this.main, sub);
  }

  undo(): void {
    const { slot } = this;
    if (slot === undefined) return;
    const newest = this.slots.newestMain(slot);
    this.index.undo(newest);
    const index = this.slots.expanded(slot);
    index.undo(newest);
    const after = index.isEmpty ? undefined : this.slots.reduced(index);
    if (after !== slot) this.slots.release(slot);
    this.slot = after;
    if (after === undefined) this.index = new KeyIndex();
  }

  compact(back: number, isRenewed: boolean): void {
    if (this.slot === undefined) return;
    const at = this.main - back;
    const [kept, wanted, asked, wished] = [0, 1, 2, 3].map(() => new RevisionSet()) as [
      RevisionSet,
      RevisionSet,
      RevisionSet,
      RevisionSet,
    ];
    this.index.keep(at, wished);
    this.slots.keep(this.slot, at, asked);
    expect(list(asked)).toEqual(list(wished));
    if (isRenewed) this.slots.renew();
    this.index.compact(at, wanted);
    this.slot = this.slots.compact(this.slot, at, kept);
    expect(list(kept)).toEqual(list(wanted));
    if (this.slot === undefined) this.index = new KeyIndex();
  }

  check(): void {
    const { index, slot, slots } = this;
    expect(slot === undefined).toBe(index.isEmpty);
    if (slot === undefined) return;
    const expanded = slots.expanded(slot);
    checkKey(expanded);
    expect(expanded).toEqual(index);
    expect(slots.isLive(slot)).toBe(index.isLive);
    expect(slots.newestMain(slot)).toBe(index.newestMain);
    const form = typeof slot === 'object' ? 3 : slot >= 0 ? 0 : isHistory(slot) ? 2 : 1;
    expect(form).toBe(formOf(index));
    const revisions = Array.from({ length: 30 }, (_, back) => this.main + 1 - back);
    expect(revisions.map((at) => found((into) => slots.find(slot, at, into)))).toEqual(
      revisions.map((at) => found((into) => index.find(at, into))),
    );
    const newest = index.modified!;
    expect(() => slots.put(slot, newest.main, newest.sub)).toThrow(expect.objectContaining({ code: 'INDEX_CORRUPT' }));
  }
}

test('M6, M13, decisions/0048: a slot tells what an object tells, through puts, deletions, compactions and what is taken back', () => {
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.array(fc.tuple(fc.nat(3), step), { maxLength: 30 }), (start, steps) => {
      const slots = new Slots();
      const pairs = [0, 1, 2, 3].map(() => new Pair(slots, start));
      for (const [which, action] of steps) {
        // Several of them, so that neighbours in the pool are of the same size.
        for (const pair of pairs.slice(which)) {
          if (action.kind === 'undo') pair.undo();
          else if (action.kind === 'compact') pair.compact(action.back, action.isRenewed);
          else {
            for (let n = 0; n < action.times; n++) {
              // A run of deletions is one of keys that come and go.
              pair.change(action.kind === 'tombstone' && (action.times === 1 || n % 2 === 1), action.gap, action.sub);
            }
          }
          pair.check();
        }
      }
      for (const pair of pairs) pair.check();
      const inPool = pairs.filter(({ slot }) => typeof slot === 'number' && slot < 0);
      expect(slots.packed).toBe(inPool.length);
      for (const { slot } of pairs) if (slot !== undefined) slots.release(slot);
      expect(slots.packed).toBe(0);
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 3000 : 60 },
  );
});

test('decisions/0048: a history is an object only beyond the largest record, and is none again once it is compacted', () => {
  const slots = new Slots();
  let slot = slots.firstPut(2, 0);
  for (let main = 3; main < 126; main++) slot = slots.put(slot, main, 0);
  expect(typeof slot).toBe('number');
  slot = slots.put(slot, 126, 0);
  expect(typeof slot).toBe('object');
  expect(slots.packed).toBe(0);
  slot = slots.compact(slot, 100, new RevisionSet())!;
  expect([typeof slot, slots.packed]).toEqual(['number', 1]);
  expect(found((into) => slots.find(slot, 110, into))).toMatchObject({ main: 110, createdMain: 2, version: 109 });
});

test('decisions/0048: what compactions leave moves together, so the chunks of before go', () => {
  const histories = new PackedHistories();
  const history = new KeyIndex();
  for (let main = 2; main < 12; main++) history.put(main, 0);
  let places = Array.from({ length: 10_000 }, () => histories.add(history));
  const chunks = (): number => new Set(places.map((place) => histories.view(place).words)).size;
  for (const [n, place] of places.entries()) if (n % 100 > 0) histories.remove(place);
  places = places.filter((_, n) => n % 100 === 0);
  expect(chunks()).toBeGreaterThan(8);
  histories.renew();
  places = places.map((place) => histories.trimmed(place, histories.cut(place, 1)));
  expect(chunks()).toBe(1);
  expect(places.map((place) => histories.newestMain(place))).toEqual(places.map(() => 11));
});
