/** Reads that meet another copy, a source that is silent, or wrong options: FRD3, FLW2, FLW3, FAR1, FOP1. */
import { bytes, KvError, log, memory, type Location } from '@varve/kv';
import { expect, onTestFinished, test } from 'vitest';
import { openFollower, type Follower } from '../src/index.ts';
import { altered, b, failure, folder, follow, Forgetful, put, source, type ByteStore } from './support.ts';

const prefix = { prefix: b('k/') };
const keys = Array.from({ length: 500 }, (_, i) => `k/${String(i).padStart(5, '0')}`);

async function filled(from: ByteStore): Promise<void> {
  await from.write((section) => {
    for (const key of keys) section.put(b(key), b('v'));
  });
}

/** Reads again and again until the follower has another copy; what it read, each answer once. */
async function readOver<T>(follower: Follower, read: () => Promise<T>): Promise<Set<T>> {
  const answers = new Set<T>();
  while ((await follower.status()).copies < 2) answers.add(await read());
  return answers.add(await read());
}

const places: readonly (readonly [where: string, place: () => Location | undefined])[] = [
  ['in memory', () => undefined],
  ['in an engine', () => memory()],
];

test.each(places)(
  'FRD3: a read of the present that is under way when another copy comes %s is made again',
  async (_, place) => {
    const from = await source();
    await filled(from);
    const lossy = new Forgetful(from);
    const follower = await follow(lossy.store, { location: place() });
    const n = keys.length;
    const reads: readonly (() => Promise<number>)[] = [
      async () => follower.count({ prefix: 'k/' }, { minModRevision: 1 }),
      async () => (await follower.page({}, { limit: 2 * n })).entries.length,
      async () => (await follower.getMany(keys)).filter((entry) => entry !== undefined).length,
      async () => (await follower.list({}).toArray()).length,
      async () => (await follower.keys({}).toArray()).length,
    ];
    const reading = Promise.all(reads.map((read) => readOver(follower, read)));
    // The first change is missed, so the second one does not fit.
    lossy.forgets = (await from.status()).revision + 1;
    for (const value of ['1', '2']) await put(from, 'k/new', value);
    // The state before, or the one after.
    for (const answers of await reading) for (const answer of answers) expect([n, n + 1]).toContain(answer);
    expect(await follower.count({})).toBe(n + 1);
  },
);

test('FLW3: how new a follower is concerns no read of what it does not hold', async () => {
  const from = await source();
  await put(from, 'k/a', '1');
  const { revision } = await from.put(b('j'), b('1'));
  const location = folder();
  await (await follow(from, { range: prefix, location: log(location) })).close();
  const away = new Forgetful(from);
  away.isAway = true;
  const follower = await follow(away.store, { range: prefix, location: log(location), maxBehindMs: 60_000 });
  expect((await follower.history('j').toArray()).length).toBe(1);
  expect((await follower.changes({}, { since: revision - 1 }).toArray()).length).toBe(1);
  expect((await follower.diff(revision - 1, revision, {}).toArray()).length).toBe(1);
  const held: readonly (() => Promise<unknown>)[] = [
    () => follower.history('k/a').toArray(),
    () => follower.changes({ prefix: 'k/' }, { since: 1 }).toArray(),
    () => follower.diff(revision - 1, revision, { prefix: 'k/' }).toArray(),
  ];
  for (const read of held) expect((await failure(read)).code).toBe('KV_BEHIND');
  const strict = await follow(from, { range: prefix, elsewhere: 'refuse' });
  expect((await failure(() => strict.history('j').toArray())).code).toBe('KV_INVALID');
});

test('FAR1: reads of what has been wait no longer than their signal', async () => {
  const from = await source();
  const quiet = new Forgetful(from);
  const follower = await follow(quiet.store, { waitMs: 1 });
  await follower.synced;
  quiet.isSilent = true;
  const { revision } = await follower.put('a', '1');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  const reads: readonly (() => Promise<unknown>)[] = [
    () => follower.history('a', { signal }).toArray(),
    () => follower.changes({}, { since: revision, signal }).toArray(),
    () => follower.diff(revision - 1, revision, {}, { signal }).toArray(),
  ];
  for (const read of reads) expect(await failure(read)).toBe(reason);
  expect((await failure(() => follower.history('a').toArray())).code).toBe('KV_BEHIND');
});

test('FLW2: what was written and could not be told is waited for by who reads, as every write', async () => {
  const from = await source();
  const quiet = new Forgetful(
    altered<ByteStore>(from, {
      async put(key, value) {
        const { revision } = await from.put(key, value);
        throw new KvError('KV_DECODE', 'what was there cannot be told', { key, revision: revision - 1 });
      },
    }),
  );
  const follower = await openFollower(quiet.store, { key: bytes, value: bytes, waitMs: 1 });
  onTestFinished(() => follower.close());
  quiet.isSilent = true;
  expect((await failure(() => follower.put(b('a'), b('1')))).code).toBe('KV_DECODE');
  expect((await failure(() => follower.get(b('a')))).code).toBe('KV_BEHIND');
});

test('FOP1: how long caughtUp waits is checked as every option is', async () => {
  const follower = await follow(await source());
  const wrong: readonly unknown[] = [
    { waitMs: 0 },
    { waitMs: '5' },
    { waitMs: Number.NaN },
    { wait: 5 },
    { signal: 1 },
  ];
  for (const options of wrong)
    expect((await failure(() => follower.caughtUp(1, options as object))).code).toBe('KV_INVALID');
  expect(await follower.caughtUp(1, { waitMs: 5 })).toBe(1);
});
