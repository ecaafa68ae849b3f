/**
 * Rows about the whole state: snapshot, hash, sizes, defrag. Where the rows of spec backend.md section 16 are pinned:
 *
 *   sections.test.ts           B1 B2 B11 to B19 B21 B26 B30 B33
 *   read-transactions.test.ts  B9 B10 B20 B22 to B25 B27 to B29 B31 B32
 *   commits.test.ts            B3 to B8 B47
 *   here                       B34 to B42 B45 B46 B49
 *   quota.test.ts              B50 to B52
 *   with the engine that has a file or a lock: B8 and B47 after a restart (conformance lifecycle/reopen), B42 to B44
 *   and B46 for a file that is rewritten, B48
 */
import { getEventListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBolt } from '@varve/bolt';
import { describe, expect, test, vi } from 'vitest';
import { type Backend, buckets, crc32c, type Engine, openBackend, type Snapshot } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand, create, engines, opened, read, rowsOf, s, scan, turns, turnsDuring, write } from './helpers.ts';

const { test: t, key: k, meta } = buckets;

async function bytesOf(snapshot: Snapshot): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Opens the stream as what it is and shows its rows, `bucket/key=value`. */
async function contentsOf(image: Uint8Array): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-backend-'));
  try {
    const path = join(folder, 'db');
    await writeFile(path, image);
    await using file = await openBolt(path, { readOnly: true });
    expect((await file.check()).problems).toEqual([]);
    using tx = file.read();
    const rows: string[] = [];
    for (const { key: name } of tx.root.entries()) {
      rows.push(`${s(name)}/`);
      for (const { key, value } of tx.bucket(name)!.entries()) rows.push(`${s(name)}/${s(key)}=${s(value)}`);
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function rows(backend: Backend, from: number, to: number, size = 300): void {
  const value = new Uint8Array(size).fill(7);
  backend.batchTx((tx) => {
    for (let i = from; i < to; i += 1) tx.put(k, b(`${i}`.padStart(8, '0')), value);
  });
}

describe.each(engines)('the whole state on %s', (_, make) => {
  test('B34 a snapshot has everything finished at the call, committed or not, and nothing later', async () => {
    await using backend = await opened(make);
    create(backend, t, buckets.lease);
    write(backend, t, { foo: '1' });
    await backend.forceCommit();
    write(backend, t, { bar: '2' });
    await using snapshot = await backend.snapshot();
    write(backend, t, { baz: '3', foo: undefined });
    await backend.forceCommit();
    const image = await bytesOf(snapshot);
    expect(image.length).toBe(snapshot.size);
    expect(await contentsOf(image)).toEqual(['lease/', 'test/', 'test/bar=2', 'test/foo=1']);
    expect(await scan(backend, t)).toEqual(['bar=2', 'baz=3']);
  });

  test('B35 a snapshot read slowly is still the state of its call, counted until it is read or disposed', async () => {
    await using backend = await opened(make);
    create(backend, k);
    rows(backend, 0, 3_000);
    const snapshot = await backend.snapshot();
    const unread = await backend.snapshot();
    expect(backend.openReadTxN).toBe(2);
    const chunks: Uint8Array[] = [];
    let at = 3_000;
    for await (const chunk of snapshot) {
      chunks.push(chunk);
      rows(backend, at, at + 100);
      at += 100;
      backend.batchTx((tx) => tx.delete(k, b(`${at - 3_100}`.padStart(8, '0'))));
      await backend.forceCommit();
    }
    expect(chunks.length).toBeGreaterThan(1);
    expect(backend.openReadTxN).toBe(1);
    await unread[Symbol.asyncDispose]();
    await unread[Symbol.asyncDispose]();
    expect(backend.openReadTxN).toBe(0);
    const image = Buffer.concat(chunks);
    expect(image.length).toBe(snapshot.size);
    const contents = await contentsOf(image);
    expect(contents.length).toBe(3_001);
    expect(contents[3_000]).toContain('key/00002999=');
    await expect(bytesOf(unread)).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  });

  test('R11 R14 a snapshot can be aborted and left early, and is released then', async () => {
    await using backend = await opened(make);
    create(backend, k);
    rows(backend, 0, 3_000);
    const reason = new Error('enough');
    await expect(backend.snapshot({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const aborted = await backend.snapshot({ signal: controller.signal });
    const reading = async (): Promise<void> => {
      for await (const _ of aborted) controller.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
    const left = await backend.snapshot();
    for await (const _ of left) break;
    expect(backend.openReadTxN).toBe(0);
    expect(() => left[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BACKEND_CLOSED' }));
  });

  test('R11 law 9 a signal that outlives many snapshots keeps nothing of them, however they end', async () => {
    await using backend = await opened(make);
    create(backend, k);
    const { signal } = new AbortController();
    const read = await backend.snapshot({ signal });
    // By a listener that can be counted: what AbortSignal.any leaves behind cannot.
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    await bytesOf(read);
    await (await backend.snapshot({ signal }))[Symbol.asyncDispose]();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const warned = vi.spyOn(process, 'emitWarning');
    const open = await Promise.all(Array.from({ length: 20 }, () => backend.snapshot()));
    for (const snapshot of open) await snapshot.close();
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
    const unread = await backend.snapshot({ signal });
    await backend.close();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await expect(bytesOf(unread)).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  });

  test('B36 the hash depends on contents only', async () => {
    const hashes: number[] = [];
    for (const order of [0, 1]) {
      await using backend = await opened(make);
      const names = order === 0 ? [t, k] : [k, t];
      for (const bucket of names) {
        create(backend, bucket);
        if (order === 1) await backend.forceCommit();
      }
      const keys = ['a', 'b', 'c', 'd'];
      write(backend, k, Object.fromEntries(keys.map((key) => [key, key])));
      for (const key of order === 0 ? keys : keys.toReversed()) {
        write(backend, t, { [key]: key });
        if (order === 1) await backend.forceCommit();
      }
      if (order === 1) {
        write(backend, t, { gone: '1' });
        await backend.forceCommit();
        write(backend, t, { gone: undefined });
        await backend.defrag();
      }
      await backend.forceCommit();
      hashes.push(await backend.hash());
      write(backend, t, { a: 'other' });
      await backend.forceCommit();
      const changed = await backend.hash();
      create(backend, buckets.alarm);
      await backend.forceCommit();
      expect(new Set([hashes[0], changed, await backend.hash()]).size).toBe(3);
    }
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).toBe(crc32c(b('keyaabbccddtestaabbccdd')));
  });

  test('B37 BD3 rows that are ignored do not count; without a predicate all do', async () => {
    await using backend = await opened(make);
    create(backend, meta);
    write(backend, meta, { x: '1', consistent_index: '1' });
    await backend.forceCommit();
    const ignore = (bucket: string, key: Uint8Array): boolean => bucket === 'meta' && s(key) === 'consistent_index';
    const [without, all] = [await backend.hash(ignore), await backend.hash()];
    write(backend, meta, { consistent_index: '2' });
    await backend.forceCommit();
    expect(await backend.hash(ignore)).toBe(without);
    expect(await backend.hash()).not.toBe(all);
    write(backend, meta, { x: '2' });
    await backend.forceCommit();
    expect(await backend.hash(ignore)).not.toBe(without);
  });

  test('B38 finished rows are not in the hash before a commit', async () => {
    await using backend = await opened(make);
    create(backend, t);
    await backend.forceCommit();
    const before = await backend.hash();
    write(backend, t, { a: '1' });
    expect(await backend.hash()).toBe(before);
    await backend.forceCommit();
    expect(await backend.hash()).not.toBe(before);
  });

  test('B39 deleting lowers sizeInUse, defrag lowers size', async () => {
    await using backend = await opened(make);
    create(backend, k);
    const empty = backend.size;
    rows(backend, 0, 10_000);
    expect(backend.size).toBe(empty);
    await backend.forceCommit();
    const full = backend.size;
    expect(full).toBeGreaterThan(3_000_000);
    backend.batchTx((tx) => {
      for (let i = 0; i < 10_000; i += 2) tx.delete(k, b(`${i}`.padStart(8, '0')));
    });
    await backend.forceCommit();
    // Media that log, or write pages anew, grow at first; deleting gives nothing back on any of them.
    expect(backend.size).toBeGreaterThanOrEqual(full);
    expect(backend.sizeInUse).toBeLessThanOrEqual(backend.size);
    if (!backend.durable) expect([backend.size, backend.sizeInUse < full * 0.6]).toEqual([full, true]);
    await backend.defrag();
    expect(backend.size).toBeLessThan(full * 0.6);
    expect(backend.sizeInUse).toBeGreaterThan(backend.size * 0.9);
    expect(backend.sizeInUse).toBeLessThanOrEqual(backend.size);
  });

  test('B40 B41 defrag commits first, hook included, and changes no answer', async () => {
    let hooks = 0;
    const engine = await make();
    const calls: string[] = [];
    const watched = new Proxy(engine, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (name === 'commit' || name === 'compact') calls.push(name);
          return (member as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    await using backend = await openBackend(watched, {
      ...byHand,
      preCommit(tx) {
        hooks += 1;
        tx.createBucket(meta);
        tx.put(meta, b('hooks'), b(`${hooks}`));
      },
    });
    create(backend, t, k);
    rows(backend, 0, 10_100);
    await backend.forceCommit();
    for (let i = 0; i < 50; i += 1) backend.batchTx((tx) => tx.delete(k, b(`${i * 7}`.padStart(8, '0'))));
    calls.length = 0;
    await backend.defrag();
    expect(calls).toEqual(['commit', 'compact']);
    expect(hooks).toBe(2);
    expect(read(backend, meta, 'hooks')).toBe('2');
    expect((await scan(backend, k)).length).toBe(10_050);
    using tx = backend.concurrentReadTx();
    expect(await rowsOf(tx, t)).toEqual([]);
    rows(backend, 10_100, 10_200);
    const ignore = (bucket: string): boolean => bucket === 'meta';
    await backend.forceCommit();
    const hash = await backend.hash(ignore);
    await backend.defrag();
    expect(await backend.hash(ignore)).toBe(hash);
    expect((await scan(backend, k)).length).toBe(10_150);
  });
});

/** An engine whose compactions end when the test says so, and fail when it says so. */
function slowCompaction(): { engine: Engine; end: (error?: Error) => void; running: () => boolean } {
  const inner = memoryEngine();
  let finish: ((error?: Error) => void) | undefined;
  const engine = new Proxy<Engine>(inner, {
    get(target, name) {
      if (name === 'compact') {
        return () =>
          new Promise<void>((resolve, reject) => {
            finish = (error) => {
              finish = undefined;
              if (error === undefined) target.compact().then(resolve, reject);
              else reject(error);
            };
          });
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
  return { engine, end: (error) => finish?.(error), running: () => finish !== undefined };
}

test('B45 BD4 writers and readers go on while a defrag runs; those who want a commit wait for it', async () => {
  const { engine, end, running } = slowCompaction();
  await using backend = await openBackend(engine, byHand);
  create(backend, t);
  write(backend, t, { a: '1' });
  using before = backend.concurrentReadTx();
  const defrag = backend.defrag();
  await turns();
  expect(running()).toBe(true);
  for (let i = 0; i < 100; i += 1) {
    if (!backend.admitting) await backend.admit();
    write(backend, t, { a: `${i}` });
  }
  expect(read(backend, t, 'a')).toBe('99');
  expect(await rowsOf(before, t)).toEqual(['a=1']);
  let committed = false;
  const commit = backend.forceCommit().then(() => (committed = true));
  await turns();
  expect(committed).toBe(false);
  end();
  await defrag;
  await commit;
  expect(await scan(backend, t)).toEqual(['a=99']);
});

test('B42 a defrag that fails is an error of that call; everything goes on, a second one works', async () => {
  const { engine, end } = slowCompaction();
  await using backend = await openBackend(engine, byHand);
  create(backend, t);
  const error = Object.assign(new Error('no room'), { code: 'ENOSPC' });
  const defrag = backend.defrag();
  await turns();
  end(error);
  await expect(defrag).rejects.toBe(error);
  write(backend, t, { a: '1' });
  await backend.forceCommit();
  const second = backend.defrag();
  await turns();
  end();
  await second;
  expect(await scan(backend, t)).toEqual(['a=1']);
});

test('B46 a defrag of rows without holes does not make the store larger', async () => {
  await using backend = await opened();
  create(backend, k);
  for (let from = 0; from < 100_000; from += 10_000) {
    rows(backend, from, from + 10_000, 40);
    await backend.forceCommit();
  }
  const { size } = backend;
  await backend.defrag();
  expect(backend.size).toBeLessThanOrEqual(size * 1.03);
});

test('B49 snapshot and defrag called together run one after the other', async () => {
  await using backend = await opened();
  create(backend, k);
  rows(backend, 0, 500);
  const [snapshot] = await Promise.all([backend.snapshot(), backend.defrag(), backend.defrag()]);
  rows(backend, 500, 600);
  await backend.defrag();
  expect((await contentsOf(await bytesOf(snapshot))).length).toBe(501);
});

test('law 10 hashing and snapshotting much lets others run', async () => {
  await using backend = await opened();
  create(backend, t, k);
  rows(backend, 0, 20_000, 1_000);
  backend.batchTx((tx) => tx.put(t, b('large'), new Uint8Array(32 << 20).fill(1)));
  await backend.forceCommit();
  // 52 MB at a GB a second, in slices of 4 ms.
  expect(await turnsDuring(() => backend.hash())).toBeGreaterThan(6);
  expect(await turnsDuring(() => backend.snapshot())).toBeGreaterThan(0);
});
