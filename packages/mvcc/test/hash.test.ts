import { nodeClock } from '@varve/base/node/clock';
import { buckets, crc32c } from '@varve/backend';
import { expect, test } from 'vitest';
import { computeHash } from '../src/hash-by-revision.ts';
import { HashStorage } from '../src/hash-storage.ts';
import type { History } from '../src/history.ts';
import { MvccStore } from '../src/mvcc-store.ts';
import { openStore } from '../src/open-store.ts';
import { restoreHistory } from '../src/restore.ts';
import { revisionBytes, tombstoneBytes } from '../src/revision-bytes.ts';
import type { HashResult, Store } from '../src/store.ts';
import {
  bytes,
  codeOf,
  compact,
  engines,
  makeMedium,
  open,
  put,
  remove,
  reopen,
  type EngineName,
  type Opened,
} from './support.ts';

type Triple = readonly [hash: number, compacted: number, revision: number];

function triple({ hash, compactRevision, revision }: HashResult): Triple {
  return [hash, compactRevision, revision];
}

/** A store whose history is at hand, so that a hash can be taken past the stored ones. */
async function openInside(engine: EngineName = 'memory'): Promise<Opened & { readonly history: History }> {
  const opened = await open({}, engine);
  await opened.store.close();
  const history = await restoreHistory(opened.backend, {
    clock: nodeClock,
    chunkLimit: 10_000,
    cacheBytes: 1 << 20,
    onProgress: undefined,
    verify: false,
    sparse: false,
  });
  const store = new MvccStore(history, {
    durability: 'commit',
    maxDeletes: 1000,
    restore: {
      clock: nodeClock,
      chunkLimit: 10_000,
      cacheBytes: 0,
      onProgress: undefined,
      verify: false,
      sparse: false,
    },
    checkpointEvery: 0,
    pace: { batchLimit: 1000, pauseMs: undefined, awaitsCommits: true },
    observers: [],
  });
  return { ...opened, store, history };
}

async function uncached(history: History, revision: number): Promise<Triple> {
  return triple(await computeHash(history, revision, {}));
}

test('M81: CRC-32C', () => {
  expect([crc32c(bytes('')), crc32c(bytes('key')), crc32c(bytes('123456789'))]).toEqual([
    0, 1_084_519_789, 0xe306_9283,
  ]);
});

test.each(engines)('M81, law 6: the small golden table (%s)', async (engine) => {
  const { store, history } = await openInside(engine);
  const now = (): Promise<Triple> => uncached(history, 0);
  expect(await now()).toEqual([1084519789, 0, 1]);
  await put(store, 'foo', 'bar');
  expect(await now()).toEqual([3305255506, 0, 2]);
  await put(store, 'foo', 'baz');
  expect(await now()).toEqual([2020292994, 0, 3]);
  expect(await uncached(history, 2)).toEqual([3305255506, 0, 2]);
  await put(store, 'a', '1');
  expect(await now()).toEqual([3093655596, 0, 4]);
  await remove(store, 'foo');
  expect(await now()).toEqual([4155522675, 0, 5]);
  expect(await uncached(history, 4)).toEqual([3093655596, 0, 4]);
  expect(await uncached(history, 3)).toEqual([2020292994, 0, 3]);
  await compact(store, 4);
  expect(triple(await store.hashByRev(4))).toEqual([3093655596, 0, 4]);
  expect(await uncached(history, 4)).toEqual([456705482, 4, 4]);
  expect(await uncached(history, 5)).toEqual([958482003, 4, 5]);
  await compact(store, 5);
  expect(triple(await store.hashByRev(5))).toEqual([958482003, 4, 5]);
  expect(await uncached(history, 5)).toEqual([2377487113, 5, 5]);
  await put(store, 'b', '2');
  expect(await now()).toEqual([709130903, 5, 6]);
  await compact(store, 6);
  expect(triple(await store.hashByRev(6))).toEqual([709130903, 5, 6]);
  expect(await uncached(history, 6)).toEqual([709130903, 6, 6]);
});

test('M81: compacted at 5 at once', async () => {
  const { store, history } = await openInside();
  await put(store, 'foo', 'bar');
  await put(store, 'foo', 'baz');
  await put(store, 'a', '1');
  await remove(store, 'foo');
  await compact(store, 5);
  expect(triple(await store.hashByRev(5))).toEqual([4155522675, 0, 5]);
  expect(await uncached(history, 5)).toEqual([2377487113, 5, 5]);
});

function nameOf(i: number): string {
  if (i % 142 === 30) return 'zenek';
  if (i % 71 === 30) return 'xavery';
  return ['alice', 'bob', 'celine', 'dominik', 'eve', 'frederica', 'gorge'][i % 7]!;
}

async function batch(store: Store, from: number, count: number): Promise<void> {
  for (let i = from; i <= from + count; i++) store.put(bytes(nameOf(i)), bytes(`${i}`));
  await store.settled();
}

async function series(
  engine: EngineName,
  hashAt: (from: number, store: Store) => number,
  last: (store: Store) => number,
): Promise<readonly number[]> {
  const { store, history } = await openInside(engine);
  const hashes: number[] = [];
  for (let from = 0; from <= 1207; from += 71) {
    await batch(store, from, 71);
    const revision = hashAt(from, store);
    const before = await uncached(history, revision);
    await compact(store, revision);
    expect(triple(await store.hashByRev(revision))).toEqual(before);
    hashes.push(before[0]);
  }
  await batch(store, 1278, 1210);
  hashes.push((await uncached(history, last(store)))[0]);
  return hashes;
}

const seriesOne = [
  4082599214, 2279933401, 3284231217, 126286495, 900108730, 2475485232, 1226296507, 2503661030, 4155130747, 106915399,
  406914006, 1882211381, 806177088, 664311366, 1496914449, 2434525091, 3988652253, 1122462288, 724436716,
];
const seriesTwo = [
  1913897190, 224860069, 1565167519, 1566261620, 2037173024, 691659396, 2713730748, 3919322507, 769967540, 2909194793,
  1576921157, 4067701532, 2226384237, 2923408134, 2680329256, 1546717673, 2713657846, 1046575299, 2017735779,
];
const seriesThree = [
  3976298586, 2585585572, 2172904216, 3526529295, 1177556615, 2992220004, 937143423, 2341302450, 1818057218, 2651660985,
  574385830, 1977831351, 639689256, 1536840745, 855011760, 919280624, 20220851, 3487583973, 2489925777,
];

test.each(engines)('M82, law 6: long series, hashed in the middle (%s)', async (engine) => {
  expect(
    await series(
      engine,
      (from) => from + 35,
      () => 1883,
    ),
  ).toEqual(seriesOne);
});

test.each(engines)('M82, law 6: long series, hashed at the current revision (%s)', async (engine) => {
  const current = (store: Store): number => store.rev();
  expect(await series(engine, (_, store) => current(store), current)).toEqual(seriesTwo);
});

test.each(engines)('M83, law 6: series with deletions, and a defrag after each compaction (%s)', async (engine) => {
  const { store, history } = await openInside(engine);
  const hashes: number[] = [];
  const spans = Array.from({ length: 18 }, (_, i) => [i * 71, 71] as const);
  for (const [span, [from, count]] of [...spans, [1278, 1210] as const].entries()) {
    for (let i = from; i <= from + count; i++) {
      if (i % 67 === 0) store.deleteRange(bytes(nameOf(i + 83)));
      else store.put(bytes(nameOf(i)), bytes(`${i}`));
    }
    await store.settled();
    expect(store.rev()).toBe(span === 18 ? 2507 : 72 * (span + 1));
    const revision = from + count;
    const before = await uncached(history, revision);
    hashes.push(before[0]);
    await compact(store, revision);
    expect(triple(await store.hashByRev(revision))).toEqual(before);
    await store.defrag();
  }
  expect(hashes).toEqual(seriesThree);
});

test('M84: which revisions can be hashed', async () => {
  const { store } = await open();
  for (let i = 2; i <= 10_000; i++) store.put(bytes('foo'), bytes(`${i}`));
  await store.settled();
  await compact(store, 5000);
  expect(await codeOf(() => store.hashByRev(10_001))).toBe('MVCC_FUTURE_REVISION');
  await expect(store.hashByRev(4999)).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 5000 });
  expect(await codeOf(() => store.hashByRev(5000))).toBe('ok');
  const newest = await store.hashByRev(10_000);
  expect(newest).toMatchObject({ compactRevision: 5000, revision: 10_000, currentRevision: 10_000 });
  expect(await store.hashByRev(0)).toEqual(newest);
  expect(await store.hashByRev(-1)).toEqual(newest);
});

test('M85: one value for each compacted revision, while compactions run', async () => {
  const { store } = await open({ compactionBatchLimit: 3 });
  for (let i = 2; i <= 300; i++) store.put(bytes(`k${i % 40}`), bytes(`${i}`));
  await store.settled();
  const seen = new Map<number, Set<number>>();
  let done = false;
  const caller = async (): Promise<void> => {
    while (!done) {
      const { hash, compactRevision } = await store.hashByRev(300);
      let hashes = seen.get(compactRevision);
      if (hashes === undefined) seen.set(compactRevision, (hashes = new Set()));
      hashes.add(hash);
      await new Promise(setImmediate);
    }
  };
  const callers = [caller(), caller(), caller()];
  for (let revision = 200; revision < 300; revision += 3) await store.compact(revision);
  await store.compactionBarrier();
  done = true;
  await Promise.all(callers);
  expect(seen.size).toBeGreaterThan(5);
  for (const hashes of seen.values()) expect(hashes.size).toBe(1);
});

test('M86: stored hashes answer for their own revision only', async () => {
  const { store } = await open();
  for (let i = 2; i <= 9; i++) await put(store, 'foo', `${i}`);
  await compact(store, 5);
  await compact(store, 8);
  expect(triple(await store.hashByRev(5)).slice(1)).toEqual([0, 5]);
  expect(await codeOf(() => store.hashByRev(6))).toBe('MVCC_COMPACTED');
  expect(triple(await store.hashByRev(8)).slice(1)).toEqual([5, 8]);
  expect(triple(await store.hashByRev(9)).slice(1)).toEqual([8, 9]);
});

test('M87: ten hashes, those of the newest revisions', () => {
  const storage = new HashStorage();
  const stored = (revision: number) => ({ hash: revision, compactRevision: 1, revision });
  for (let revision = 109; revision >= 100; revision--) storage.store(stored(revision));
  storage.store(stored(99));
  expect(storage.get(99)).toBeUndefined();
  storage.store(stored(111));
  expect([storage.get(111)?.hash, storage.get(100)]).toEqual([111, undefined]);
  expect(storage.list().map(({ revision }) => revision)).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109, 111]);
});

test('M88: no hash of a compaction that was resumed or overlapped', async () => {
  const medium = await makeMedium();
  const first = await reopen(medium, { compactionBatchLimit: 1, compactionPauseMs: 60_000 });
  for (let i = 2; i <= 9; i++) await put(first.store, 'foo', `${i}`);
  await first.store.compact(5);
  const second = await reopen(medium);
  await second.store.compactionBarrier();
  // Not stored: taken anew, over what the compaction at 5 left.
  expect((await second.store.hashByRev(5)).compactRevision).toBe(5);
  const [six] = await Promise.all([second.store.compact(6), second.store.compact(7)]);
  await second.store.compactionBarrier();
  await six.finished();
  expect((await second.store.hashByRev(6)).compactRevision).toBe(5);
  expect((await second.store.hashByRev(7)).compactRevision).toBe(7);
});

test('M89, D2: nothing is live at the revision', async () => {
  const { store } = await open();
  await put(store, 'a', '1');
  await compact(store, 2);
  await remove(store, 'a');
  expect(triple(await store.hashByRev(3))).toEqual([3681333679, 2, 3]);
  await compact(store, 3);
  expect(triple(await store.hashByRev(3))).toEqual([3681333679, 2, 3]);
});

test('M90: the tombstone that compaction keeps does not count', async () => {
  const { store, backend } = await open();
  await put(store, 'a', '1');
  await put(store, 'b', '1');
  await remove(store, 'a');
  await compact(store, 4);
  await store.close();
  const withTombstone = await openStore(backend);
  const hash = triple(await withTombstone.hashByRev(4));
  await withTombstone.close();
  backend.batchTx((tx) => {
    tx.delete(buckets.key, tombstoneBytes(4, 0));
  });
  const without = await openStore(backend);
  expect(triple(await without.hashByRev(4))).toEqual(hash);
});

test('M91: the hash of the whole backend', async () => {
  const stores: Opened[] = [];
  for (let n = 0; n < 3; n++) {
    const opened = await open({ durability: n === 1 ? 'interval' : 'commit' });
    opened.store.put(bytes('a'), bytes('1'));
    if (n === 2) await opened.store.commit();
    opened.store.put(bytes('b'), bytes('2'));
    stores.push(opened);
  }
  const hashes = async (): Promise<readonly number[]> =>
    await Promise.all(stores.map(async ({ store }) => (await store.hash()).hash));
  const [first, second, third] = await hashes();
  expect([second, third]).toEqual([first, first]);
  const meta = (n: number, key: string): void => {
    stores[n]!.backend.batchTx((tx) => {
      tx.put(buckets.meta, bytes(key), revisionBytes(7, 0));
    });
  };
  for (const key of ['consistent_index', 'term', 'storageVersion']) meta(1, key);
  meta(2, 'confState');
  const after = await hashes();
  expect([after[0], after[1], after[2] === first]).toEqual([first, first, false]);
  expect((await stores[0]!.store.hash()).revision).toBe(3);
});

test('R11: a hash that is aborted', async () => {
  const { store } = await open();
  for (let i = 0; i < 3000; i++) store.put(bytes('a'), bytes('1'));
  await store.settled();
  const reason = new Error('enough');
  await expect(store.hashByRev(0, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const hash = store.hashByRev(0, { signal: abort.signal });
  abort.abort(reason);
  await expect(hash).rejects.toBe(reason);
  expect(store.backend.openReadTxN).toBe(0);
});
