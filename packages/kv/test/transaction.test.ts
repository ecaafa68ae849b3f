import { expect, test } from 'vitest';
import { json, memory, open, type Transaction } from '../src/index.ts';
import { codeOf, collect, failure, temporaryFolder } from './helpers.ts';

test.each(['memory', 'level'] as const)('P4: a counter under contention loses no increment (%s)', async (engine) => {
  await using kv = await open(engine === 'memory' ? memory() : temporaryFolder(), { value: json<number>() });
  const workers = 40;
  const rounds = 5;
  const results = await Promise.all(
    Array.from({ length: workers }, async () => {
      let attempts = 0;
      for (let i = 0; i < rounds; i++) {
        const result = await kv.transaction(async (tx) => {
          const count = (await tx.get('counter'))?.value ?? 0;
          await Promise.resolve();
          tx.put('counter', count + 1);
          return count;
        });
        attempts += result.attempts;
      }
      return attempts;
    }),
  );
  expect(await kv.get('counter')).toMatchObject({ value: workers * rounds, version: workers * rounds });
  expect(results.reduce((a, b) => a + b)).toBeGreaterThan(workers * rounds);
});

test('transfers between accounts keep the sum at every revision', async () => {
  await using kv = await open(memory(), { value: json<number>() });
  const accounts = ['a', 'b', 'c', 'd'] as const;
  const pick = (i: number) => accounts[i % 4] ?? 'a';
  await kv.write((section) => accounts.forEach((account) => section.put(account, 100)));
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      kv.transaction(async (tx) => {
        const [from, to] = [pick(i), pick(i * 7 + 1)];
        if (from === to) return;
        const left = (await tx.get(from))?.value ?? 0;
        const right = (await tx.get(to))?.value ?? 0;
        tx.put(from, left - 1);
        tx.put(to, right + 1);
      }),
    ),
  );
  for (let revision = 2; revision <= kv.revision; revision++) {
    const entries = await collect(kv.at(revision).list({}));
    expect(entries.reduce((sum, entry) => sum + entry.value, 0)).toBe(400);
  }
});

test('reads see one revision and the own writes; nothing is written before the body returns', async () => {
  await using kv = await open(memory());
  for (const key of ['a', 'b', 'c']) await kv.put(key, '1');
  const { value, revision } = await kv.transaction(async (tx) => {
    tx.put('d', '2');
    tx.put('a', '2');
    tx.delete('b');
    expect(kv.revision).toBe(4);
    expect(await tx.get('b')).toBeUndefined();
    expect(await tx.get('a')).toMatchObject({ value: '2', modRevision: 0 });
    return (await tx.list({})).map((entry) => entry.key + entry.value);
  });
  expect(value).toEqual(['a2', 'c1', 'd2']);
  expect(revision).toBe(5);
  expect((await collect(kv.list({}))).map((entry) => entry.key)).toEqual(['a', 'c', 'd']);
});

test.each([
  ['a new key', (kv: Awaited<ReturnType<typeof open>>) => kv.put('r/new', 'x')],
  ['a changed key', (kv: Awaited<ReturnType<typeof open>>) => kv.put('r/1', 'x')],
  ['a vanished key', (kv: Awaited<ReturnType<typeof open>>) => kv.delete('r/1')],
  ['the last key, vanished,', (kv: Awaited<ReturnType<typeof open>>) => kv.delete('r/2')],
  ['all keys, vanished,', (kv: Awaited<ReturnType<typeof open>>) => kv.delete({ prefix: 'r/' })],
])('%s in a range that was read is a conflict', async (_, meddle) => {
  await using kv = await open(memory());
  await kv.put('r/1', '1');
  await kv.put('r/2', '1');
  let runs = 0;
  const result = await kv.transaction(async (tx) => {
    const entries = await tx.list({ prefix: 'r/' });
    if (++runs === 1) await meddle(kv);
    tx.put('size', String(entries.length));
  });
  expect(result.attempts).toBe(2);
  expect((await kv.get('size'))?.value).toBe(String(await kv.count({ prefix: 'r/' })));
});

test('writes elsewhere are no conflict, and a body that only reads never has one', async () => {
  await using kv = await open(memory());
  await kv.put('a', '1');
  const one = await kv.transaction(async (tx) => {
    await tx.get('a');
    await kv.put('b', '1');
    tx.put('c', '1');
  });
  expect(one.attempts).toBe(1);
  const two = await kv.transaction(async (tx) => {
    await tx.get('a');
    await kv.put('a', '2');
  });
  expect(two).toEqual({ value: undefined, revision: 4, attempts: 1 });
});

test('it gives up with KV_CONFLICT after the attempts it was given', async () => {
  await using kv = await open(memory());
  let runs = 0;
  const hopeless = async (tx: Transaction<string, string>) => {
    runs++;
    await tx.get('a');
    await kv.put('a', 'again');
    tx.put('a', 'mine');
  };
  expect(await codeOf(() => kv.transaction(hopeless, { attempts: 3 }))).toBe('KV_CONFLICT');
  expect(runs).toBe(3);
  expect((await kv.get('a'))?.value).toBe('again');
});

test('R12: what the body throws comes out as it is, and nothing is written', async () => {
  await using kv = await open(memory());
  const mine = new Error('mine');
  const caught = await failure(() =>
    kv.transaction((tx) => {
      tx.put('a', '1');
      throw mine;
    }),
  );
  expect(caught).toBe(mine);
  expect(kv.revision).toBe(1);
});

test('compaction that passes the revision under the body makes it begin again', async () => {
  await using kv = await open(memory());
  await kv.put('a', '1');
  let runs = 0;
  const result = await kv.transaction(async (tx) => {
    if (++runs === 1) {
      await kv.put('a', '2');
      await kv.put('a', '3');
      await kv.compact(4);
    }
    tx.put('b', (await tx.get('a'))?.value ?? 'none');
  });
  expect(result.attempts).toBe(2);
  expect((await kv.get('b'))?.value).toBe('3');
});

test('R11: an aborted signal ends it between two attempts, with its own reason', async () => {
  await using kv = await open(memory());
  const controller = new AbortController();
  const reason = new Error('enough');
  const caught = await failure(() =>
    kv.transaction(
      async (tx) => {
        await tx.get('a');
        await kv.put('a', 'again');
        controller.abort(reason);
        tx.put('a', 'mine');
      },
      { signal: controller.signal },
    ),
  );
  expect(caught).toBe(reason);
});

test('a transaction is of no use after its body, and takes no wrong arguments', async () => {
  await using kv = await open(memory());
  let kept: Transaction<string, string> | undefined;
  await kv.transaction((tx) => {
    kept = tx;
  });
  expect(await codeOf(() => kept?.get('a'))).toBe('KV_INVALID');
  expect(await codeOf(() => kept?.put('a', 'b'))).toBe('KV_INVALID');
  expect(await codeOf(() => kv.transaction('body' as unknown as () => void))).toBe('KV_INVALID');
  expect(await codeOf(() => kv.transaction(() => undefined, { attempts: 0 }))).toBe('KV_INVALID');
});
