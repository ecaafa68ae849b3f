/** A9: `settled`, `commit` and `close` speak of every write that was called before them, and writes keep the order of calls. */
import { describe, expect, test } from 'vitest';
import { open, put, type EmbeddedKv } from '../src/index.ts';
import { codeOf, collect, durableEngines, engines, temporaryFolder } from './helpers.ts';

type Write = (kv: EmbeddedKv, i: number) => Promise<unknown>;

const many = 1000;
const key = (i: number): string => `k${String(i).padStart(4, '0')}`;

const writes: readonly (readonly [string, Write])[] = [
  ['put', (kv, i) => kv.put(key(i), 'x')],
  ['put with previous', (kv, i) => kv.put(key(i), 'x', { previous: true })],
  ['txn', (kv, i) => kv.txn({ then: [put(key(i), 'x')] })],
  ['write', (kv, i) => kv.write((section) => section.put(key(i), 'x'))],
  ['transaction', (kv, i) => kv.transaction((tx) => tx.put(key(i), 'x'))],
  [
    'transaction that reads',
    (kv, i) =>
      kv.transaction(async (tx) => {
        await tx.get(key(i));
        await tx.list({ prefix: key(i) });
        tx.put(key(i), 'x');
      }),
  ],
  ['put in a name space', (kv, i) => kv.namespace('k').put(key(i).slice(1), 'x')],
];

describe.each(engines)('XA9: on %s', (_engine, place) => {
  describe.each(['commit', 'interval'] as const)('with durability %s', (durability) => {
    test.each(writes)('settled counts every %s that was called before', async (_, write) => {
      await using kv = await open(place(), { durability, batchLimit: 50 });
      const called = Array.from({ length: many }, (__, i) => write(kv, i));
      await kv.settled();
      expect(await kv.count({})).toBe(many);
      await Promise.all(called);
    });

    test('settled and commit count deletions and mixtures, too', async () => {
      await using kv = await open(place(), { durability, batchLimit: 50 });
      const called: Promise<unknown>[] = [];
      // What has a body of its own takes effect when that has returned.
      const inOrder = writes.filter(([name]) => !name.startsWith('transaction'));
      for (let i = 0; i < many; i++) called.push(inOrder[i % inOrder.length]![1](kv, i));
      for (let i = 0; i < many; i += 2) called.push(kv.delete(key(i)));
      await kv.commit();
      expect(await kv.count({})).toBe(many / 2);
      await Promise.all(called);
    });
  });

  test('put(a); put(b) without await: in the order of the calls, one commit, both in settled', async () => {
    await using kv = await open(place());
    const seen = collect(kv.watch({}), 4);
    await kv.put('before', 'x');
    const { revision } = kv;
    const { commits } = kv.stats();
    const calls = ['a', 'b', 'a'].map((name, i) =>
      kv.put(name, String(i)).then(({ revision: made }) => [made, kv.revision, kv.stats().commits]),
    );
    // Neither is seen before it may be relied on (law 1).
    expect(kv.revision).toBe(revision);
    await kv.settled();
    expect([(await kv.get('a'))?.value, (await kv.get('b'))?.value]).toEqual(['2', '1']);
    expect(await Promise.all(calls)).toEqual([1, 2, 3].map((i) => [revision + i, revision + 3, commits + 1]));
    expect((await seen).map((event) => `${event.key} ${event.revision - revision}`)).toEqual([
      'before 0',
      'a 1',
      'b 2',
      'a 3',
    ]);
  });

  test('with durability interval, put(a); put(b) are seen in order at once, and one commit takes both', async () => {
    await using kv = await open(place(), { durability: 'interval', batchIntervalMs: 60_000 });
    const { revision } = kv;
    const { commits } = kv.stats();
    const calls = [kv.put('a', '1'), kv.put('b', '2')];
    expect(kv.revision).toBe(revision + 2);
    await kv.settled();
    expect((await Promise.all(calls)).map((put) => put.revision)).toEqual([revision + 1, revision + 2]);
    expect(kv.stats().commits).toBe(commits);
    await kv.commit();
    expect(kv.stats().commits).toBe(commits + 1);
  });

  test('put(a); put(b) where a is refused: b takes effect all the same', async () => {
    await using kv = await open(place(), { limits: { maxValueBytes: 10 } });
    const [a, b] = await Promise.allSettled([kv.put('a', 'x'.repeat(11)), kv.put('b', 'x')]);
    expect([a.status, b]).toEqual(['rejected', { status: 'fulfilled', value: { revision: 2 } }]);
  });

  test('writes take effect in the order of the calls, also where some wait', async () => {
    await using kv = await open(place(), { batchLimit: 20 });
    const called: Promise<{ readonly revision: number }>[] = [];
    for (let i = 0; i < 2000; i++) {
      if (i % 3 === 0) called.push(kv.put('a', String(i)));
      else if (i % 3 === 1) called.push(kv.txn({ then: [put('a', String(i))] }));
      else called.push(kv.write((section) => section.put('a', String(i))));
      // Others get between: what is called in a later turn must not overtake what waits.
      if (i % 200 === 0) await new Promise(setImmediate);
    }
    const revisions = (await Promise.all(called)).map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: 2000 }, (_, i) => i + 2));
    expect((await collect(kv.history('a'))).map(({ value }) => Number(value))).toEqual(
      Array.from({ length: 2000 }, (_, i) => i),
    );
  });

  test('a write that is aborted while it waits is left out, those behind it are not', async () => {
    await using kv = await open(place(), { batchLimit: 20 });
    const controller = new AbortController();
    const before = Array.from({ length: many }, (_, i) => kv.put(key(i), 'x'));
    const aborted = kv.put('aborted', 'x', { signal: controller.signal });
    const after = kv.put('after', 'x');
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await Promise.all([...before, after]);
    expect([await kv.get('aborted'), (await kv.get('after'))?.value]).toEqual([undefined, 'x']);
  });
});

describe.each(durableEngines)('XA9: on %s', (_engine, place) => {
  test.each(writes)('close lets in every %s that was called before', async (name, write) => {
    const path = temporaryFolder(name);
    const kv = await open(place(path), { batchLimit: 50 });
    const called = Array.from({ length: many }, (_, i) => write(kv, i));
    const closed = kv.close();
    expect(await codeOf(() => kv.put('late', 'x'))).toBe('KV_CLOSED');
    await closed;
    await Promise.all(called);
    await using again = await open(place(path));
    expect(await again.count({})).toBe(many);
  });
});

describe('XA9: a transaction whose body waits for something else', () => {
  test('does not hold up settled, commit or close, whatever it waits for', async () => {
    const kv = await open(engines[0]![1]());
    for (const wait of [() => kv.settled(), () => kv.commit()]) {
      const { value } = await kv.transaction(async (tx) => {
        tx.put('a', 'x');
        await wait();
        return 'went on';
      });
      expect(value).toBe('went on');
    }
    let go = (): void => undefined;
    const foreign = new Promise<void>((resolve) => (go = resolve));
    const waiting = kv.transaction(async (tx) => {
      await foreign;
      tx.put('b', 'x');
    });
    const outcome = codeOf(() => waiting);
    await kv.settled();
    const closing = kv.transaction(async () => kv.close());
    await closing;
    go();
    expect(await outcome).toBe('KV_CLOSED');
  });
});
