/**
 * A7: an engine that answers something else than what is stored, as a file does whose pages are not of one commit. It is
 * told by a typed error, and nothing goes on for ever. The engine below is a real one; what it lies about is the test's.
 */
import { openBackend, type Bucket, type Engine, type Entry, type EngineView, type ScanOptions } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import { revisionBytes } from '../src/revision-bytes.ts';
import type { Change, Store } from '../src/store.ts';
import { ALL, bytes, codeOf } from './support.ts';

interface Lies {
  rows?: ((entries: readonly Entry[]) => readonly Entry[]) | undefined;
  scan?: ((options: ScanOptions) => ScanOptions) | undefined;
  get?: ((key: Uint8Array) => Uint8Array) | undefined;
}

function lying(inner: Engine): { engine: Engine; lies: Lies } {
  const lies: Lies = {};
  const view = (real: EngineView) => ({
    get: (bucket: Bucket, key: Uint8Array) =>
      real.get(bucket, bucket.name === 'key' && lies.get !== undefined ? lies.get(key) : key),
    async *scan(bucket: Bucket, options: ScanOptions = {}): AsyncGenerator<readonly Entry[]> {
      const asked = bucket.name === 'key' && lies.scan !== undefined ? lies.scan(options) : options;
      for await (const entries of real.scan(bucket, asked)) {
        const rows = bucket.name === 'key' && lies.rows !== undefined ? lies.rows(entries) : entries;
        if (rows.length > 0) yield rows;
      }
    },
    buckets: () => real.buckets(),
  });
  const engine: Engine = {
    ...view(inner),
    pin: () => {
      const pinned = inner.pin();
      return { ...view(pinned), [Symbol.dispose]: () => pinned[Symbol.dispose]() };
    },
    commit: (changes) => inner.commit(changes),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
  };
  return { engine, lies };
}

async function opened(): Promise<{ store: Store; lies: Lies; engine: Engine }> {
  const { engine, lies } = lying(memoryEngine());
  const backend = await openBackend(engine);
  const store = await openStore(backend, { cacheBytes: 0 });
  for (let i = 0; i < 2500; i++) store.put(bytes(`k${String(i % 300).padStart(3, '0')}`), bytes(`v${i}`));
  await store.settled();
  return { store, lies, engine };
}

/** The rows but those of one revision: a page that is missing. */
function without(main: number): (entries: readonly Entry[]) => readonly Entry[] {
  return (entries) => entries.filter(({ key }) => Buffer.compare(key, revisionBytes(main, 0)) !== 0);
}

async function changesOf(store: Store): Promise<readonly Change[]> {
  const all: Change[] = [];
  for await (const chunk of store.changes(1, store.rev() + 1)) all.push(...chunk);
  return all;
}

const readings: readonly (readonly [name: string, read: (store: Store) => Promise<unknown>])[] = [
  ['changes', changesOf],
  ['hashByRev', (store) => store.hashByRev(0)],
  ['a compaction', async (store) => (await store.compact(500)).finished()],
];

test('XA7, law 7: changes of a history with a record that is cut off are MVCC_CORRUPT, and not bytes of its neighbour', async () => {
  const { store, lies } = await opened();
  // A batch read in one go: the record before and the one behind lie beside it.
  const cut = revisionBytes(1000, 0);
  lies.rows = (entries) =>
    entries.map((entry) =>
      Buffer.compare(entry.key, cut) === 0 ? { key: entry.key, value: entry.value.subarray(0, -2) } : entry,
    );
  const read = async (): Promise<void> => {
    for await (const chunk of store.changes(900, 1100))
      for (const { kv } of chunk) expect(kv.value.length).toBeGreaterThan(0);
  };
  expect(await codeOf(read)).toBe('MVCC_CORRUPT');
  lies.rows = undefined;
  await read();
});

test.each(readings)('XA7: %s of a history that misses a revision is MVCC_CORRUPT, not a gap', async (_, read) => {
  const { store, lies } = await opened();
  lies.rows = without(300);
  expect(await codeOf(() => read(store))).toBe('MVCC_CORRUPT');
});

test.each(readings)('XA7: %s of a history whose end is missing is MVCC_CORRUPT', async (_, read) => {
  const { store, lies } = await opened();
  lies.rows = (entries) => entries.filter(({ key }) => Buffer.compare(key, revisionBytes(300, 0)) < 0);
  expect(await codeOf(() => read(store))).toBe('MVCC_CORRUPT');
});

test.each(readings)('XA7: %s of keys that do not ascend is BACKEND_CORRUPT, with bucket and key', async (_, read) => {
  const { store, lies } = await opened();
  lies.rows = (entries) => entries.toReversed();
  const error = await read(store).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'BACKEND_CORRUPT' });
  expect(String(error)).toMatch(/bucket "key": key 0{13}/);
});

test.each(readings)('XA7: %s over an engine that begins anew with each chunk ends', async (_, read) => {
  const { store, lies } = await opened();
  let first: readonly Entry[] | undefined;
  lies.rows = (entries) => (first ??= entries);
  expect(await codeOf(() => read(store))).toBe('BACKEND_CORRUPT');
});

test('XA7: a record that is another key’s is MVCC_CORRUPT in every range, and a count over it ends', async () => {
  const { store, lies } = await opened();
  await store.settled();
  // Each revision is answered with its neighbour's record, of which one fits the place no more.
  lies.get = (key) => {
    const other = new Uint8Array(key);
    other[7] = other[7]! ^ 1;
    return other;
  };
  for (const options of [{}, { limit: 10 }, { withTotal: true, limit: 1 }]) {
    expect(await codeOf(() => store.range(...ALL, options))).toBe('MVCC_CORRUPT');
  }
  expect(await codeOf(() => store.history(bytes('k001')))).toBe('MVCC_CORRUPT');
  expect(await codeOf(() => store.get(bytes('k001')))).toBe('MVCC_CORRUPT');
});

test.each([0, 1 << 20])(
  'XA7: records of one transaction that change places are MVCC_CORRUPT in a range, cache %d',
  async (cacheBytes) => {
    const { engine, lies } = lying(memoryEngine());
    const backend = await openBackend(engine);
    const writer = await openStore(backend);
    writer.write((txn) => {
      for (const key of ['a', 'b', 'c']) txn.put(bytes(key), bytes(`value of ${key}`));
    });
    await writer.close();
    const store = await openStore(backend, { cacheBytes });
    lies.get = (key) => {
      const other = new Uint8Array(key);
      other[16] = (other[16]! + 1) % 3;
      return other;
    };
    for (let i = 0; i < 3; i++) expect(await codeOf(() => store.range(...ALL))).toBe('MVCC_CORRUPT');
    expect(await codeOf(() => store.range(bytes('a'), undefined))).toBe('MVCC_CORRUPT');
    expect(await codeOf(() => store.write((txn) => txn.range(...ALL)))).toBe('MVCC_CORRUPT');
  },
);

test('XA7: a scan that ends too early is not taken for the whole history at open', async () => {
  const { store, lies, engine } = await opened();
  await store.close();
  const again: Engine = { ...engine };
  // Asked from the start, as a restore does, it ends after 200 records; asked for what follows, it finds it.
  let left = 200;
  lies.scan = (options) => {
    left = options.start === undefined ? 200 : Infinity;
    return options;
  };
  lies.rows = (entries) => {
    const given = entries.slice(0, left);
    left -= given.length;
    return given;
  };
  const backend = await openBackend(again);
  expect(await codeOf(() => openStore(backend))).toBe('MVCC_CORRUPT');
});
