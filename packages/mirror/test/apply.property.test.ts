/** APP1, APP2: how changes are put into transactions. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextGroup, type Batch } from '../src/apply.ts';
import { b } from './texts.ts';

const change = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), bytes: fc.integer({ min: 1, max: 40 }) });
const batches = fc
  .array(fc.uniqueArray(change, { maxLength: 5, selector: ({ name }) => name }), { minLength: 1, maxLength: 8 })
  .map((all): Batch[] =>
    all.map((changes, i) => ({
      revision: i + 2,
      isFence: false,
      bytes: changes.reduce((sum, { bytes }) => sum + bytes, 0),
      changes: changes.map(({ name, bytes }) => ({ name, bytes, op: { type: 'delete' as const, key: b(name) } })),
    })),
  );

test('every change goes out once and in order, no key twice in one transaction, and none over its size but single ones', () => {
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 10, max: 80 }), (all, maxOps, maxBytes) => {
      const rest = [...all];
      const out: string[] = [];
      let part = 0;
      let revision = 1;
      for (let round = 0; rest.length > 0; round++) {
        expect(round).toBeLessThan(100);
        const group = nextGroup(rest, part, { maxOps, maxBytes });
        const names = group.changes.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        const bytes = group.changes.reduce((sum, { bytes: size }) => sum + size, 0);
        expect(group.changes.length <= 1 || (names.length <= maxOps && bytes <= maxBytes)).toBe(true);
        expect(group.place.revision).toBeGreaterThanOrEqual(revision);
        expect(group.batches > 0 || group.changes.length > 0).toBe(true);
        out.push(...names);
        ({ revision, part } = group.place);
        rest.splice(0, group.batches);
      }
      expect(part).toBe(0);
      expect(revision).toBe(all.at(-1)!.revision);
      expect(out).toEqual(all.flatMap(({ changes }) => changes.map(({ name }) => name)));
    }),
    { numRuns: 300 },
  );
});
