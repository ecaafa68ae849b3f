/** Undo in the store of this process; what holds for every `Kv` is in its suite. */
import { undoPages, type PlainKv } from '@varve/api/implement';
import { StandingClock } from '@varve/base/node/standing-clock';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, memory, open, type EmbeddedKv, type Entry } from '../src/index.ts';
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
});

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

const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The same store, and what an undo asked it for. */
function watched(kv: PlainKv): { readonly kv: PlainKv; readonly asked: string[] } {
  const asked: string[] = [];
  const shown = new Proxy(kv, {
    get(target, name) {
      // What one member of a cluster remembers of leases is not asked for: it may lag behind.
      if (name === 'leases') return () => Promise.reject(new Error('all leases of the store'));
      if (name === 'lease') {
        return (options: Parameters<PlainKv['lease']>[0]) => {
          asked.push(`lease ${Object.keys(options).join()} ${options.id}`);
          return target.lease(options);
        };
      }
      if (name === 'txn') {
        return (txn: Parameters<PlainKv['txn']>[0], options: object) => {
          asked.push(`${txn.then?.length} ${txn.else?.length}`);
          return target.txn(txn, options);
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
  return { kv: shown, asked };
}

const everything = { key: new Uint8Array(), end: new Uint8Array() };

test('H5, UNP4: only leases of the transaction are asked for, where one is over, and asking keeps none of them alive', async () => {
  const clock = new StandingClock();
  await using kv = await open(memory(), { key: bytes, value: bytes, world: clock.world });
  const [lives, ends] = [await kv.lease({ ttl: 600, id: 'a' }), await kv.lease({ ttl: 600, id: 'b' })];
  for (let i = 0; i < 5; i++) await kv.lease({ ttl: 600 });
  for (const [key, lease] of [
    ['1', lives],
    ['2', lives],
    ['3', ends],
    ['4', ends],
  ] as const)
    await kv.put(toBytes(key), toBytes('then'), { lease });
  const { revision } = await kv.status();
  await kv.delete({ all: true });
  const task = { bounds: everything, revision, maxOps: 128, options: {} };
  const first = watched(kv);
  clock.advance(100_000);
  expect(await undoPages(first.kv, task, kv.revision)).toMatchObject({ put: 4, leaseless: 0 });
  expect(first.asked).toEqual(['4 4']);
  await ends.revoke();
  await kv.delete({ all: true });
  const second = watched(kv);
  expect(await undoPages(second.kv, task, kv.revision)).toMatchObject({ put: 2, leaseless: 2 });
  expect(second.asked).toEqual(['4 4', 'lease id,signal a', 'lease id,signal b', '2 2']);
  expect(await lives.remaining()).toBe(500);
  expect((await lives.revoke()).deleted).toBe(2);
});

test('H3, UNP3: a page counts long keys three times, and the values that there are now; of one key none is asked back', async () => {
  await using kv = await open(memory(), { key: bytes, value: bytes });
  const { revision } = await kv.put(toBytes('start'), toBytes('x'));
  for (let i = 0; i < 120; i++) await kv.put(toBytes('k'.repeat(6000) + i), toBytes('x'));
  const long = await kv.undo({}, revision);
  expect([long.deleted, long.revisions.length]).toEqual([120, 3]);
  for (const key of ['a', 'b', 'c']) await kv.put(toBytes(key), toBytes('small'));
  const small = kv.revision;
  for (const key of ['a', 'b', 'c']) await kv.put(toBytes(key), new Uint8Array(700_000));
  const { kv: seen, asked } = watched(kv);
  const task = { bounds: everything, revision: small, maxOps: 128, options: {} };
  let overtaking: Promise<unknown> | undefined;
  const onPage = (): void => void (overtaking ??= kv.put(toBytes('c'), toBytes('theirs')));
  const answer = await undoPages(seen, { ...task, options: { onPage } }, kv.revision);
  await overtaking;
  expect(asked).toEqual(['1 0', '1 0', '1 0']);
  expect(answer).toMatchObject({ put: 2, overtaken: 1 });
  expect((await kv.get(toBytes('c')))?.value).toEqual(toBytes('theirs'));
});

test('H6, UIN1: no compaction ends an undo in the middle, and however it ends its revision can be compacted then', async () => {
  await using kv = await open(memory(), { limits: { maxOps: 1 } });
  const { revision } = await kv.put('start', '1');
  for (const key of ['a', 'b', 'c']) await kv.put(key, 'now');
  const refused: Promise<unknown>[] = [];
  const onPage = (): void => void refused.push(codeOf(() => kv.compact(revision + 1)));
  expect((await kv.undo({}, revision, { onPage })).deleted).toBe(3);
  expect(await Promise.all(refused)).toEqual(['KV_HELD', 'KV_HELD', 'KV_HELD']);
  for (const future of [kv.revision + 1, 5_000_000, Number.MAX_SAFE_INTEGER])
    expect(await codeOf(() => kv.undo({}, future))).toBe('MVCC_FUTURE_REVISION');
  expect(kv.stats().holds).toEqual([]);
  const stop = new Error('enough');
  const ended = await failure(() =>
    kv.undo({}, revision + 3, {
      onPage: () => {
        throw stop;
      },
    }),
  );
  expect([ended, kv.stats().holds]).toEqual([stop, []]);
  await kv.compact(revision + 1);
});
