import { expect, test } from 'vitest';
import { Random } from '../src/conformance/random.ts';
import { DeleteRun } from '../src/pending/delete-run.ts';
import { buckets } from '../src/index.ts';
import type { Row } from '../src/pending/layer.ts';
import { PackedChanges } from '../src/contract/packed-changes.ts';

const bucket = buckets.key;
const key = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n & 0xff);
const number = (row: Row): number => row.key[0]! * 256 + row.key[1]!;

function listed(run: DeleteRun, start?: number, end?: number): readonly number[] {
  const found: number[] = [];
  for (const cursor of run.cursors(start === undefined ? start : key(start), end === undefined ? end : key(end))) {
    const part: number[] = [];
    for (let next = cursor.next(); next.done !== true; next = cursor.next()) part.push(number(next.value));
    expect(part).toEqual(part.toSorted((a, b) => a - b));
    found.push(...part);
  }
  return found.toSorted((a, b) => a - b);
}

test.each(Array.from({ length: 40 }, (_, i) => i + 1))('BD2 LY1 OV2 deletes in any order: seed %i', (seed) => {
  const random = new Random(seed);
  const changes = new PackedChanges();
  const run = new DeleteRun(changes);
  const model = new Set<number>();
  const pins: [DeleteRun, readonly number[]][] = [];
  let next = 0;
  for (let section = 0; section < 30; section++) {
    const done: [number, number][] = [];
    for (let i = random.below(12); i > 0; i--) {
      // Mostly ascending, as compaction goes; now and then anything, also what is deleted already.
      const n = random.below(4) === 0 ? random.below(next + 5) : (next += 1 + random.below(3));
      const row = changes.length;
      changes.pushRow('delete', bucket, key(n), 0, 2, 2);
      const before = run.add(row, key(n));
      expect(before >= 0).toBe(model.has(n));
      done.push([row, before]);
      model.add(n);
      expect(run.find(key(n))).toBe(before < 0 ? row : before);
    }
    if (random.below(3) === 0) {
      for (const [row, before] of done.toReversed()) {
        run.undo(row, before);
        if (before < 0) model.delete(number(changes.change(row) as Row));
      }
    }
    if (random.below(4) === 0) pins.push([run.pin(), listed(run)]);
    const sorted = [...model].toSorted((a, b) => a - b);
    expect(listed(run)).toEqual(sorted);
    const [start, end] = [random.below(next + 3), random.below(next + 3)];
    expect(listed(run, start, end)).toEqual(sorted.filter((n) => n >= start && n < end));
    for (let n = 0; n < next + 3; n++) expect(run.find(key(n)) >= 0).toBe(model.has(n));
  }
  for (const [pin, was] of pins) expect(listed(pin)).toEqual(was);
});
