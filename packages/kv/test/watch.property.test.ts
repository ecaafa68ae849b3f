import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { memory, open, type EmbeddedKv, type WatchBatch } from '../src/index.ts';
import { collect } from './helpers.ts';

const keys = ['a', 'b', 'c', 'd', 'e'] as const;
const change = fc.record({ key: fc.constantFrom(...keys), remove: fc.boolean(), pause: fc.nat({ max: 3 }) });

async function write(kv: EmbeddedKv, changes: readonly { key: string; remove: boolean; pause: number }[]) {
  for (const [i, { key, remove, pause }] of changes.entries()) {
    const done = remove ? kv.delete(key) : kv.put(key, String(i));
    for (let step = 0; step < pause; step++) await Promise.resolve();
    if (pause === 3) await done;
  }
  await kv.commit();
}

test('law 4: initial state and changes after it make the present, whatever is written meanwhile', async () => {
  const run = fc.asyncProperty(
    fc.array(change, { maxLength: 12 }),
    fc.array(change, { maxLength: 30 }),
    fc.array(change, { maxLength: 3 }),
    fc.array(change, { maxLength: 10 }),
    fc.constantFrom('commit', 'interval'),
    async (before, during, gap, after, durability) => {
      await using kv = await open(memory(), { durability, batchLimit: 3 });
      await write(kv, before);
      const writing = write(kv, during);
      const watch = kv.watch({}, { initial: true });
      // Between the call and the first pull: changes, not state.
      await write(kv, gap);
      const batches: WatchBatch<string, string>[] = [];
      const model = new Map<string, string>();
      const reading = (async () => {
        for await (const batch of watch.batches()) {
          batches.push(batch);
          for (const event of batch.events) {
            if (event.type === 'put') model.set(event.key, event.value);
            else model.delete(event.key);
          }
          // Ends with the last change: a marker no other writer uses.
          if (model.has('end')) break;
        }
      })();
      await writing;
      await write(kv, after);
      const { revision } = await kv.put('end', '');
      await reading;

      const entries = await collect(kv.list({}));
      expect(Object.fromEntries(model)).toEqual(Object.fromEntries(entries.map(({ key, value }) => [key, value])));
      const changes = batches.filter((batch) => !batch.initial && batch.events.length > 0);
      const start = await watch.started();
      // The state is that of the start, not one bit newer: what came later comes as changes.
      for (const batch of batches.filter((batch) => batch.initial)) {
        expect(batch.revision).toBe(start);
        for (const event of batch.events) expect(event.revision).toBeLessThanOrEqual(start);
      }
      // Every revision after the start, once and in order: the store has no other keys.
      expect(changes.map((batch) => batch.revision)).toEqual(
        Array.from({ length: revision - start }, (_, i) => start + 1 + i),
      );
      expect(watch.revision).toBe(revision);
    },
  );
  await fc.assert(run, { numRuns: 60 });
});
