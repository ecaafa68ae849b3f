/**
 * `RevisionSet` against a plain set of names, at every size a revision can have.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRevision, RevisionSet } from '../src/index.ts';
import { list } from './histories.ts';

const part = fc.oneof(
  fc.nat(40),
  fc
    .constantFrom(2 ** 12, 2 ** 21, 2 ** 32, 2 ** 41, 2 ** 53)
    .chain((edge) => fc.integer({ min: -2, max: 2 }).map((step) => Math.min(edge + step, Number.MAX_SAFE_INTEGER))),
  fc.maxSafeNat(),
);
const revisions = fc.array(fc.record({ main: part, sub: fc.oneof(fc.constant(0), part) }), { maxLength: 60 });

test('holds what was added, once, and nothing else', () => {
  fc.assert(
    fc.property(revisions, revisions, (added, others) => {
      const set = new RevisionSet();
      for (const { main, sub } of added) set.add(main, sub);
      const names = new Set(added.map(formatRevision));
      expect(set.size).toBe(names.size);
      expect(list(set).toSorted()).toEqual([...names].toSorted());
      for (const revision of [...added, ...others]) {
        expect(set.has(revision.main, revision.sub)).toBe(names.has(formatRevision(revision)));
      }
    }),
    { numRuns: 500 },
  );
});
