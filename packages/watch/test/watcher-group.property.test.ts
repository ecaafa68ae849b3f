import { compareBytes } from '@varve/base/order';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WatcherGroup, type WatchedRange } from '../src/places/watcher-group.ts';

/** Short keys of few bytes, the smallest and the largest among them: ranges that are prefixes are common, and so are those that are nearly. */
const key = fc
  .array(fc.constantFrom(0, 1, 0x61, 0x62, 0xfe, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes));
const end = fc.oneof(fc.constant('prefix' as const), fc.constant(undefined), fc.constant(new Uint8Array(0)), key);

interface Asked {
  readonly key: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** All keys that begin with this one, as clients ask for them. */
function prefix(start: Uint8Array): Uint8Array {
  const after = start.slice();
  const last = after.length - 1;
  // A byte that is the last one has no end of this form: open, which is more.
  if (after[last] === 0xff) return new Uint8Array(0);
  after[last]! += 1;
  return after;
}

function holds(range: Asked, name: Uint8Array): boolean {
  if (range.end === undefined) return compareBytes(name, range.key) === 0;
  return compareBytes(name, range.key) >= 0 && (range.end.length === 0 || compareBytes(name, range.end) < 0);
}

test('WG1 WG3 a lookup finds the ranges that hold the key, and no others, few or many', () => {
  const range = fc
    .record({ key, end })
    .map((asked): Asked => ({ key: asked.key, end: asked.end === 'prefix' ? prefix(asked.key) : asked.end }))
    .filter((asked) => asked.end === undefined || asked.end.length === 0 || compareBytes(asked.key, asked.end) < 0);
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.array(key, { minLength: 1, maxLength: 20 }), (ranges, names) => {
      const group = new WatcherGroup();
      const held = ranges.map((asked) => ({ asked, range: group.acquire(asked.key, asked.end) }));
      // From many to none, so that the few are those that are left.
      for (;;) {
        group.checkInvariants();
        for (const name of names) {
          const found: WatchedRange[] = [];
          group.lookup(name, found);
          const wanted = new Set(held.filter(({ asked }) => holds(asked, name)).map((one) => one.range));
          expect(new Set(found)).toEqual(wanted);
          expect(found.length).toBe(wanted.size);
          for (const one of held) expect(one.range.holds(name)).toBe(holds(one.asked, name));
        }
        const last = held.pop();
        if (last === undefined) break;
        group.release(last.range);
      }
    }),
  );
});
