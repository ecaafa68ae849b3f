/** RCP1 to RCP3: records of every size, used again, and memory given back. */
import { expect, test } from 'vitest';
import { MOST_WORDS, RecordPool } from '../src/record-pool.ts';

/** A pool, and what each of its records should hold. */
class Filled {
  readonly pool = new RecordPool();
  readonly held = new Map<number, { readonly words: number; readonly mark: number }>();
  #mark = 0;

  add(words: number): number {
    const place = this.pool.add(words);
    const mark = ++this.#mark;
    const chunk = this.pool.chunkOf(place);
    // Without expect: this runs often.
    if (this.held.has(place) || chunk.size < words) throw new Error(`place ${place} is none of ${words} words`);
    this.held.set(place, { words, mark });
    chunk.words.fill(mark, chunk.startOf(place), chunk.startOf(place) + words);
    return place;
  }

  remove(place: number): void {
    this.held.delete(place);
    this.pool.remove(place);
  }

  /** Words of all chunks that hold something. */
  get words(): number {
    return [...new Set([...this.held.keys()].map((place) => this.pool.chunkOf(place)))].reduce(
      (sum, chunk) => sum + chunk.words.length,
      0,
    );
  }

  check(): void {
    expect(this.pool.size).toBe(this.held.size);
    for (const [place, { words, mark }] of this.held) {
      const chunk = this.pool.chunkOf(place);
      const start = chunk.startOf(place);
      const isWhole = chunk.words.subarray(start, start + words).every((word) => word === mark);
      expect(isWhole, `record ${place} of ${words} words`).toBe(true);
    }
  }
}

/** The same numbers in every run. */
function numbers(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

test('decisions/0048: no record touches another, whatever is added and removed in which order', () => {
  const filled = new Filled();
  const next = numbers();
  for (let step = 0; step < 9000; step++) {
    const places = step % 500 === 0 ? [...filled.held.keys()] : [];
    if (step % 500 === 0) filled.check();
    if (step % 3000 === 2999) filled.pool.renew();
    for (const place of places) if (next(4) > 0) filled.remove(place);
    filled.add(1 + next(MOST_WORDS));
  }
  filled.check();
  for (const place of filled.held.keys()) filled.remove(place);
  filled.check();
  // The first place of all: nothing is remembered.
  expect(filled.add(8)).toBe(0);
});

test('decisions/0048: what was removed is used again before there is a new chunk', () => {
  const filled = new Filled();
  for (let n = 0; n < 6000; n++) filled.add(16);
  const before = filled.words;
  for (let round = 0; round < 5; round++) {
    for (const place of [...filled.held.keys()].filter((_, n) => n % 3 === round % 3)) filled.remove(place);
    while (filled.held.size < 6000) filled.add(16);
  }
  expect(filled.words).toBe(before);
  filled.check();
});

test('decisions/0048: a few that stay in many chunks hold these only until all have moved', () => {
  const filled = new Filled();
  for (let n = 0; n < 20_000; n++) filled.add(12);
  const before = filled.words;
  for (const place of [...filled.held.keys()].filter((_, n) => n % 500 > 0)) filled.remove(place);
  expect(filled.words).toBeGreaterThan(before / 2);
  filled.pool.renew();
  for (const place of [...filled.held.keys()]) {
    filled.add(12);
    filled.remove(place);
  }
  expect(filled.words).toBeLessThan(before / 10);
  filled.check();
});
