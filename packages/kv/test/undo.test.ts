/** Undo in the store of this process; what holds for every `Kv` is in its suite. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memory, open, type EmbeddedKv, type Entry } from '../src/index.ts';
import { codeOf, failure } from './helpers.ts';

const runs = process.env.VARVE_LARGE === '1' ? 300 : 20;

async function state(kv: EmbeddedKv, revision: number): Promise<Map<string, string>> {
  const entries: readonly Entry<string, string>[] = await kv.at(revision).list({}).toArray();
  return new Map(entries.map(({ key, value }) => [key, value]));
}

test('H1, H2, H3: after a random history any range can be turned back to any revision, and nothing else changes', async () => {
  const write = fc.record({
    key: fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c'),
    value: fc.option(fc.constantFrom('1', '2')),
  });
  const range = fc.constantFrom({}, { prefix: 'b' }, { prefix: 'b/' }, { start: 'b' }, { end: 'b/2' }, 'b');
  const undo = fc.record({ range, back: fc.nat(1000) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(write, write, undo), { maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, maxOps) => {
        await using kv = await open(memory(), { limits: { maxOps } });
        for (const step of steps) {
          if ('key' in step) {
            await (step.value === null ? kv.delete(step.key) : kv.put(step.key, step.value));
            continue;
          }
          const until = kv.revision;
          const revision = 1 + (step.back % until);
          const [then, before] = [await state(kv, revision), await state(kv, until)];
          const lies = (key: string): boolean => {
            if (typeof step.range === 'string') return key === step.range;
            const { prefix = '', start = '', end = '\uffff' } = step.range as Record<string, string>;
            return key.startsWith(prefix) && key >= start && key < end;
          };
          const answer = await kv.undo(step.range, revision);
          const wanted = new Map([...before].filter(([key]) => !lies(key)));
          for (const [key, value] of then) if (lies(key)) wanted.set(key, value);
          expect(await state(kv, kv.revision)).toEqual(new Map([...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1))));
          const changed = [...new Set([...then.keys(), ...before.keys()])].filter(
            (key) => lies(key) && then.get(key) !== before.get(key),
          );
          const transactions = Math.ceil(changed.length / maxOps);
          expect(answer.revisions).toEqual(Array.from({ length: transactions }, (_, i) => until + 1 + i));
          expect([answer.put + answer.deleted, answer.until, kv.revision]).toEqual([
            changed.length,
            until,
            until + transactions,
          ]);
        }
      },
    ),
    { numRuns: runs },
  );
}, 60_000);

test('H4: what is written between two transactions of an undo stays, key by key, and is counted', async () => {
  await using kv = await open(memory(), { limits: { maxOps: 2 } });
  const { revision } = await kv.put('start', '1');
  for (const key of ['a', 'b', 'c', 'd', 'e']) await kv.put(key, 'now');
  let pages = 0;
  const answer = await kv.undo({}, revision, {
    onPage: () => {
      if (++pages > 1) return;
      void kv.put('c', 'later');
      void kv.delete('e');
      void kv.put('a', 'again');
    },
  });
  expect(answer).toMatchObject({ put: 0, deleted: 3, overtaken: 2 });
  expect(await state(kv, kv.revision)).toEqual(new Map(Object.entries({ a: 'again', c: 'later', start: '1' })));
});

test('H1: writes called before an undo are taken back, and those called after it are not', async () => {
  await using kv = await open(memory());
  const { revision } = await kv.put('a', '1');
  void kv.put('a', '2');
  const undone = kv.undo('a', revision);
  void kv.put('b', '3');
  expect(await undone).toMatchObject({ put: 1, until: revision + 1 });
  expect(await state(kv, kv.revision)).toEqual(new Map(Object.entries({ a: '1', b: '3' })));
});

test('H3: large values go in several transactions, also where they are few, and may be larger than what is put now', async () => {
  await using kv = await open(memory());
  for (const key of ['a', 'b', 'c']) await kv.put(key, 'x'.repeat(700_000));
  const { revision } = await kv.status();
  await kv.delete({ all: true });
  expect((await kv.undo({}, revision)).revisions).toHaveLength(3);
  expect(await kv.count({})).toBe(3);
});

test('H6: an undo that is ended in the middle leaves the transactions before, and goes on when called again', async () => {
  await using kv = await open(memory(), { limits: { maxOps: 2 } });
  const { revision } = await kv.put('start', '1');
  for (const key of ['a', 'b', 'c', 'd', 'e']) await kv.put(key, 'now');
  const stop = new Error('enough');
  const error = await failure(() =>
    kv.undo({}, revision, {
      onPage: () => {
        throw stop;
      },
    }),
  );
  expect(error).toBe(stop);
  expect(await kv.count({})).toBe(4);
  expect((await kv.undo({}, revision)).deleted).toBe(3);
  expect(await kv.count({})).toBe(1);
  let refused: Promise<unknown> = Promise.resolve();
  expect(
    await codeOf(() =>
      kv.write((section) => {
        section.put('x', '1');
        refused = kv.undo({}, revision).catch((error: { code?: string }) => error.code);
      }),
    ),
  ).toBe('BACKEND_NESTED');
  expect(await refused).toBe('BACKEND_NESTED');
  await kv.close();
  expect(await codeOf(() => kv.undo({}, revision))).toBe('KV_CLOSED');
});
