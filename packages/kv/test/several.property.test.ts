import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { json, memory, open, type EmbeddedKv, type Selector, type WatchBatch } from '../src/index.ts';
import { codeOf, collect } from './helpers.ts';

const keys = ['a', 'a1', 'b', 'c', 'c1', 'd'] as const;
const key = fc.constantFrom(...keys);
const part: fc.Arbitrary<Selector<string>> = fc.oneof(
  key,
  key.map((prefix) => ({ prefix })),
  key.map((start) => ({ start })),
  fc
    .tuple(key, key)
    .filter(([start, end]) => start < end)
    .map(([start, end]) => ({ start, end })),
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), key }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pull' as const), times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat({ max: 3 }) }) },
);

function matches(selector: Selector<string>, name: string): boolean {
  if (typeof selector === 'string') return selector === name;
  const { prefix = '', start = '', end } = selector;
  return name.startsWith(prefix) && name >= start && (end === undefined || name < end);
}

async function compactTo(kv: EmbeddedKv, revision: number): Promise<void> {
  if (revision > Math.max((await kv.status()).compactRevision ?? 0, 1)) await kv.compact(revision);
}

test('law 4: whoever keeps a copy by batches with resync has what lies in the ranges, whatever is compacted', async () => {
  let resyncs = 0;
  const run = fc.asyncProperty(
    fc.array(part, { minLength: 1, maxLength: 3 }),
    fc.array(step, { maxLength: 20 }),
    fc.array(step, { maxLength: 25 }),
    fc.boolean(),
    async (any, before, during, initial) => {
      await using kv = await open(memory());
      const copy = new Map<string, string>();
      const perform = async (steps: typeof before, pull: () => Promise<void>): Promise<void> => {
        for (const [i, one] of steps.entries()) {
          if (one.type === 'put') await kv.put(one.key, String(i));
          else if (one.type === 'delete') await kv.delete(one.key);
          else if (one.type === 'compact') await compactTo(kv, kv.revision - one.back);
          else for (let n = 0; n < one.times; n++) await pull();
        }
      };
      await perform(before, async () => undefined);
      // Without initial, the state of the beginning is known to be empty.
      const watch = kv.watch({ any }, initial ? { initial: true, resync: true } : { from: 1, resync: true });
      const batches = watch.batches()[Symbol.asyncIterator]();
      let beyond = 0;
      const take = ({ revision, events, resync, initial: state }: WatchBatch<string, string>): void => {
        expect(revision, 'revisions ascend').toBeGreaterThanOrEqual(beyond);
        beyond = revision;
        if (resync === true && events.length === 0) {
          copy.clear();
          resyncs++;
        }
        for (const event of events) {
          expect(event.ranges).toEqual([...any.keys()].filter((place) => matches(any[place]!, event.key)));
          if (!state) expect(event.revision).toBe(revision);
          if (event.type === 'put') copy.set(event.key, event.value);
          else copy.delete(event.key);
        }
      };
      const pull = async (): Promise<void> => {
        // Something to pull: a pull that waits would be for the future.
        const [first] = any;
        await kv.put(typeof first === 'string' ? first : (first?.start ?? first?.prefix ?? ''), 'tick');
        const { value } = await batches.next();
        take(value as WatchBatch<string, string>);
      };
      await perform(during, pull);
      const [first] = any;
      const marker = typeof first === 'string' ? first : (first?.start ?? first?.prefix ?? '');
      const { revision } = await kv.put(marker, 'end');
      while (watch.revision < revision) take((await batches.next()).value as WatchBatch<string, string>);
      const wanted = (await kv.list({}).toArray()).filter((entry) => any.some((one) => matches(one, entry.key)));
      expect(Object.fromEntries(copy)).toEqual(Object.fromEntries(wanted.map((entry) => [entry.key, entry.value])));
      await watch.close();
    },
  );
  await fc.assert(run, { numRuns: 150 });
  expect(resyncs).toBeGreaterThan(10);
});

test('law 4: compaction that overtakes a state under its reading begins it again, and says so', async () => {
  await using kv = await open(memory());
  const names = Array.from({ length: 500 }, (_, i) => `k${String(i).padStart(4, '0')}`);
  await kv.write((section) => names.forEach((name) => section.put(name, '1')));
  const watch = kv.watch({}, { initial: true, resync: true });
  const copy = new Map<string, string>();
  let resyncs = 0;
  let parts = 0;
  for await (const { events, resync, initial } of watch.batches()) {
    if (resync === true && events.length === 0) {
      resyncs++;
      copy.clear();
    }
    for (const event of events) copy.set(event.key, event.value ?? '');
    if (initial && ++parts === 1) {
      expect(watch.revision).toBe(0);
      await kv.put('k0000', '2');
      await kv.delete('k0001');
      await kv.compact(kv.revision);
    }
    if (!initial) break;
  }
  expect([resyncs, copy.get('k0000'), copy.has('k0001'), copy.size]).toEqual([1, '2', false, 499]);
  const plain = kv.watch({}, { initial: true });
  const pulled = plain[Symbol.asyncIterator]();
  await pulled.next();
  await kv.put('k0000', '3');
  await kv.compact(kv.revision);
  const rest = async (): Promise<void> => {
    while ((await pulled.next()).done !== true);
  };
  expect(await codeOf(rest)).toBe('MVCC_COMPACTED');
});

test('a state of which nothing can be decoded is not taken for the beginning of one', async () => {
  await using kv = await open(memory());
  const numbers = kv.namespace('', { value: json<number>() });
  await kv.put('a', '1');
  await kv.write((section) => {
    for (let i = 0; i < 300; i++) section.put(`k${String(i).padStart(3, '0')}`, 'no JSON');
  });
  await numbers.put('z', 2);
  await kv.compact(kv.revision);
  const watch = numbers.watch({}, { from: 2, resync: true, undecodable: 'skip' });
  const batches: WatchBatch<string, number>[] = [];
  for await (const batch of watch.batches()) {
    batches.push(batch);
    if (!batch.initial) break;
  }
  expect(batches.map(({ events, resync }) => [events.map(({ key }) => key).join(), resync])).toEqual([
    ['', true],
    ['a', true],
    ['z', true],
    ['', undefined],
  ]);
});

test('a watch with resync is read as batches only, and may still be closed', async () => {
  await using kv = await open(memory());
  const watch = kv.watch('a', { resync: true });
  expect(await codeOf(() => collect(watch))).toBe('KV_INVALID');
  await watch.close();
  expect(await collect(watch.batches())).toEqual([]);
});
