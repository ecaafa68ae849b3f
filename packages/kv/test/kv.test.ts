import { describe, expect, test } from 'vitest';
import { bytes, memory, open, type EmbeddedKv } from '../src/index.ts';
import { codeOf, collect, failure, temporaryFolder } from './helpers.ts';

async function filled(count: number): Promise<EmbeddedKv> {
  const kv = await open(memory());
  await kv.write((section) => {
    for (let i = 0; i < count; i++) section.put(`k${String(i).padStart(5, '0')}`, String(i));
  });
  return kv;
}

describe('put and delete', () => {
  test('previous values come when asked for', async () => {
    await using kv = await open(memory());
    expect(await kv.put('a', '1', { previous: true })).toEqual({ revision: 2 });
    const second = await kv.put('a', '2', { previous: true });
    expect(second).toMatchObject({ revision: 3, previous: { key: 'a', value: '1', modRevision: 2 } });
    expect(await kv.put('a', '3')).toEqual({ revision: 4 });
  });

  test('a deletion tells how many, and which when asked for; nothing to delete makes no revision', async () => {
    await using kv = await open(memory());
    for (const key of ['a', 'b/1', 'b/2', 'c']) await kv.put(key, key);
    expect(await kv.delete('zzz')).toEqual({ revision: 5, deleted: 0 });
    expect(await kv.delete('a')).toEqual({ revision: 6, deleted: 1 });
    const gone = await kv.delete({ prefix: 'b/' }, { previous: true });
    expect(gone).toMatchObject({ revision: 7, deleted: 2, previous: [{ key: 'b/1' }, { key: 'b/2' }] });
    expect(await kv.delete({ all: true })).toEqual({ revision: 8, deleted: 1 });
    expect(await kv.count({})).toBe(0);
  });

  test('the empty value is a value', async () => {
    await using kv = await open(memory());
    await kv.put('a', '');
    expect((await kv.get('a'))?.value).toBe('');
  });

  test.each(['commit', 'interval'] as const)(
    'KK1: a resolved write is seen by the next read (%s)',
    async (durability) => {
      await using kv = await open(memory(), { durability });
      for (let i = 0; i < 50; i++) {
        const { revision } = await kv.put('a', String(i));
        expect(await kv.get('a')).toMatchObject({ value: String(i), modRevision: revision });
      }
    },
  );

  test('law 1: nobody sees what is not on the medium yet, writers excepted', async () => {
    await using kv = await open(temporaryFolder());
    const writing = kv.put('a', '1');
    expect(await kv.get('a')).toBeUndefined();
    expect(kv.revision).toBe(1);
    const second = kv.put('a', '2', { previous: true });
    expect(await writing).toEqual({ revision: 2 });
    expect(await second).toMatchObject({ revision: 3, previous: { value: '1' } });
    expect(await kv.get('a')).toMatchObject({ value: '2' });
    await using early = await open(temporaryFolder(), { durability: 'interval' });
    const unheeded = early.put('a', '1');
    expect(await early.get('a')).toMatchObject({ value: '1' });
    await unheeded;
  });

  test('R1, law 3: a throwing body leaves nothing, its error comes out as it is, the next write works', async () => {
    await using kv = await open(memory());
    await kv.put('a', '1');
    const mine = new Error('mine');
    const caught = await failure(() =>
      kv.write((section) => {
        section.put('a', '2');
        section.put('b', '2');
        section.delete('a');
        throw mine;
      }),
    );
    expect(caught).toBe(mine);
    expect(kv.revision).toBe(2);
    expect(await kv.get('b')).toBeUndefined();
    expect(await kv.put('b', '3')).toEqual({ revision: 3 });
  });

  test('R2: a body that returns a promise or writes inside a write is refused', async () => {
    await using kv = await open(memory());
    // @ts-expect-error the compiler says so first
    expect(await failure(() => kv.write(async (section) => section.put('a', '1')))).toBeInstanceOf(TypeError);
    let inner: Promise<unknown> = Promise.resolve();
    const outer = kv.write((section) => {
      section.put('b', '1');
      inner = failure(() => kv.put('c', '1'));
    });
    expect(await failure(() => outer)).toMatchObject({ code: 'BACKEND_NESTED' });
    expect(await inner).toMatchObject({ code: 'BACKEND_NESTED' });
    expect(await collect(kv.list({}))).toEqual([]);
    expect(await kv.put('d', '1')).toEqual({ revision: 2 });
  });

  test('write: reads its own writes, answers with revision and events', async () => {
    await using kv = await open(memory());
    await kv.put('a', '1');
    const result = await kv.write((section) => {
      section.put('b', '2');
      const count = section.count({});
      const listed = section.list({ prefix: '' }, { limit: 1 });
      const deleted = section.delete('a');
      return [section.revision, count, listed.length, deleted, section.get('b')?.version, section.get('a')];
    });
    expect(result).toMatchObject({ value: [2, 2, 1, 1, 1, undefined], revision: 3 });
    expect(result.events()).toMatchObject([
      { type: 'put', key: 'b', value: '2', revision: 3 },
      { type: 'delete', key: 'a', revision: 3 },
    ]);
  });
});

describe('ranges', () => {
  test('law 2: a list stays at its revision while others write', async () => {
    await using kv = await filled(1000);
    const keys: string[] = [];
    for await (const entry of kv.list({})) {
      keys.push(entry.key);
      if (keys.length === 1) await kv.delete({ start: 'k00500' });
    }
    expect(keys).toHaveLength(1000);
    expect(await kv.count({})).toBe(500);
    expect(await collect(kv.list({}, { limit: 300 }))).toHaveLength(300);
  });

  test('bounds: prefix, start, end, all, and an empty one', async () => {
    await using kv = await filled(10);
    const keys = async (range: Parameters<typeof kv.list>[0]) =>
      (await collect(kv.list(range))).map((entry) => Number(entry.value));
    expect(await keys({ prefix: 'k0000' })).toHaveLength(10);
    expect(await keys({ start: 'k00008' })).toEqual([8, 9]);
    expect(await keys({ end: 'k00002' })).toEqual([0, 1]);
    expect(await keys({ start: 'k00003', end: 'k00005' })).toEqual([3, 4]);
    expect(await keys({ start: 'k00005', end: 'k00003' })).toEqual([]);
    expect(await keys({ start: '' })).toHaveLength(10);
    expect(await kv.count({ start: 'k00005', end: 'k00003' })).toBe(0);
    expect(await kv.delete({ start: 'k00005', end: 'k00003' })).toMatchObject({ deleted: 0 });
  });

  test('a prefix of nothing but 0xff reaches to the end', async () => {
    await using kv = await open(memory(), { key: bytes });
    for (const key of [[0xfe], [0xff], [0xff, 0xff], [0xff, 0xff, 1]]) await kv.put(Uint8Array.from(key), '');
    expect(await kv.count({ prefix: Uint8Array.of(0xff) })).toBe(3);
    expect(await kv.count({ prefix: Uint8Array.of(0xff, 0xff) })).toBe(2);
    expect(await kv.count({ prefix: new Uint8Array(0) })).toBe(4);
  });

  test('pages: one revision, a cursor that outlives writes, the total when asked for', async () => {
    await using kv = await filled(25);
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await kv.page({}, { limit: 10, cursor, total: true });
      expect(page).toMatchObject({ revision: 2, total: 25 });
      seen.push(...page.entries.map((entry) => entry.value));
      cursor = page.next;
      pages++;
      await kv.delete({ start: 'k00015' });
    } while (cursor !== undefined);
    expect([pages, seen.length]).toEqual([3, 25]);
    expect(await kv.page({}, { limit: 15 })).not.toHaveProperty('next');
  });

  test('a cursor of another range, or no cursor, is refused', async () => {
    await using kv = await filled(25);
    const { next } = await kv.page({}, { limit: 10 });
    const wrong = [
      () => kv.page({ prefix: 'x' }, { cursor: next }),
      () => kv.at(1).page({}, { cursor: next }),
      () => kv.page({}, { cursor: 'no cursor' }),
      () => kv.page({}, { cursor: '' }),
      () => kv.page({}, { cursor: '0.aaaa' }),
    ];
    for (const use of wrong) expect(await codeOf(use)).toBe('KV_INVALID');
  });
});

describe('the past', () => {
  test('at: everything as it was', async () => {
    await using kv = await open(memory());
    await kv.put('a', '1');
    await kv.put('b', '2');
    await kv.delete('a');
    const then = kv.at(3);
    expect((await then.get('a'))?.value).toBe('1');
    expect(await then.count({})).toBe(2);
    expect((await collect(then.list({}))).map((entry) => entry.key)).toEqual(['a', 'b']);
    expect(await then.page({})).toMatchObject({ revision: 3, entries: [{ key: 'a' }, { key: 'b' }] });
    expect(await kv.at(1).count({})).toBe(0);
  });

  test('law 5: compaction takes the past away and nothing else', async () => {
    await using kv = await open(memory());
    for (let i = 0; i < 5; i++) await kv.put('a', String(i));
    const compaction = await kv.compact(4, { physical: true });
    expect(compaction.revision).toBe(4);
    const error = await failure(() => kv.at(3).get('a'));
    expect(error).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 4 });
    expect(await codeOf(() => collect(kv.at(3).list({})))).toBe('MVCC_COMPACTED');
    expect((await kv.at(4).get('a'))?.value).toBe('2');
    expect(await codeOf(() => kv.at(7).get('a'))).toBe('MVCC_FUTURE_REVISION');
    expect(await codeOf(() => kv.compact(4))).toBe('MVCC_COMPACTED');
    expect(await codeOf(() => kv.compact(7))).toBe('MVCC_FUTURE_REVISION');
    expect(await kv.status()).toMatchObject({ revision: 6, compactRevision: 4 });
  });

  test('history: all lives of a key, oldest first', async () => {
    await using kv = await open(memory());
    await kv.put('a', '1');
    await kv.put('b', 'x');
    await kv.put('a', '2');
    await kv.delete('a');
    await kv.put('a', '3');
    const events = await collect(kv.history('a'));
    expect(events).toEqual([
      { type: 'put', key: 'a', value: '1', revision: 2, version: 1, createRevision: 2, modRevision: 2 },
      { type: 'put', key: 'a', value: '2', revision: 4, version: 2, createRevision: 2, modRevision: 4 },
      { type: 'delete', key: 'a', revision: 5 },
      { type: 'put', key: 'a', value: '3', revision: 6, version: 1, createRevision: 6, modRevision: 6 },
    ]);
    expect(await collect(kv.history('a', { from: 5 }))).toHaveLength(2);
    expect(await collect(kv.history('none'))).toEqual([]);
    await kv.compact(5, { physical: true });
    expect(await codeOf(() => collect(kv.history('a', { from: 4 })))).toBe('MVCC_COMPACTED');
    expect((await collect(kv.history('a'))).map((event) => event.revision)).toEqual([5, 6]);
  });

  test('law 10: a long history comes in parts, as of the first pull', async () => {
    await using kv = await open(memory());
    for (let i = 0; i < 300; i++) await kv.put('a', String(i));
    let later = 0;
    const seen: string[] = [];
    for await (const event of kv.history('a')) {
      if (later++ < 300) await kv.put('a', 'later');
      seen.push(event.type === 'put' ? event.value : '');
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
    await kv.compact(200);
    const pulls = kv.history('a')[Symbol.asyncIterator]();
    expect((await pulls.next()).value).toMatchObject({ revision: 200 });
    await kv.compact(500);
    const rest = async (): Promise<void> => {
      while ((await pulls.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 500 });
  });

  test('law 6: equal histories have equal hashes', async () => {
    const hashes = await Promise.all(
      [1, 7].map(async (batchLimit) => {
        await using kv = await open(memory(), { batchLimit });
        for (let i = 0; i < 20; i++) await kv.put(`k${i % 3}`, String(i));
        await kv.delete('k1');
        return await kv.hashByRev();
      }),
    );
    expect(hashes[0]).toEqual(hashes[1]);
  });
});

test('where nothing was compacted there is no compactRevision, afterwards it is there', async () => {
  await using kv = await filled(3);
  const space = kv.namespace('k');
  const looks = [() => kv.status(), () => kv.stats(), () => kv.hashByRev(), () => space.status(), () => space.stats()];
  for (const look of looks) expect(Object.hasOwn(await look(), 'compactRevision'), String(look)).toBe(false);
  await kv.compact(2, { physical: true });
  for (const look of looks) expect(await look(), String(look)).toMatchObject({ compactRevision: 2 });
});

test('stats and status tell what there is', async () => {
  await using kv = await filled(3);
  const { watch, ...stats } = kv.stats();
  expect(stats).toMatchObject({ revision: 2, durable: false, warnings: [], openReads: 0 });
  expect(watch.watchers).toBe(0);
  expect(await kv.status()).toEqual({
    revision: 2,
    size: stats.size,
    sizeInUse: stats.sizeInUse,
  });
  await kv.defrag();
  await kv.settled();
  await kv.commit();
});
