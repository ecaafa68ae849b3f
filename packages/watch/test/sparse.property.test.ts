/** law 4 over a sparse store: whatever revisions are missing, and however late a consumer reads, each event comes once and in order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, drain, FROM_KEY, open, revisions } from './support.ts';

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('write' as const), gap: fc.nat(5), keys: fc.integer({ min: 1, max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('advance' as const), gap: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('watch' as const), back: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pass' as const) }) },
);

test('law 4, RCN1: watchers of a sparse store miss nothing and get nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), async (steps) => {
      await using f = await open({ sparse: true, queueCapacity: 3, revisionsPerBatch: 4 });
      const written: number[] = [];
      const watches: { from: number; stream: ReturnType<typeof f.store.newWatchStream>; found: number[] }[] = [];
      const read = (): void => {
        for (const { stream, found } of watches) found.push(...revisions(drain(stream)).flat());
      };
      for (const taken of steps) {
        const next = f.store.finishedRev() + 1;
        if (taken.type === 'write') {
          f.store.writeAt(next + taken.gap, (txn) => {
            for (let i = 0; i < taken.keys; i++) txn.put(bytes(`k${i}`), bytes('x'));
          });
          for (let i = 0; i < taken.keys; i++) written.push(next + taken.gap);
          await f.store.settled();
        } else if (taken.type === 'advance') {
          f.store.advance(next + taken.gap);
          await f.store.settled();
        } else if (taken.type === 'watch') {
          const from = Math.max(1, next - taken.back);
          const stream = f.store.newWatchStream();
          stream.watch(FROM_KEY, FROM_KEY, { from });
          watches.push({ from, stream, found: [] });
        } else if (taken.type === 'read') read();
        else await f.pass();
        f.check();
      }
      for (
        let rounds = 0;
        rounds < 200 && watches.some(({ from, found }) => found.length < written.filter((at) => at >= from).length);
        rounds++
      ) {
        await f.passes();
        read();
      }
      for (const { from, found } of watches) expect(found, `from ${from}`).toEqual(written.filter((at) => at >= from));
    }),
    { numRuns: 100 },
  );
});
