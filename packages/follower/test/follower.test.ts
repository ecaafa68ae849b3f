/** What a follower answers: that of its source, at every revision that it has. FLW1 to FLW3, FLW5, FOG1 to FOG3, REP1 to REP4. */
import { join } from 'node:path';
import { bytes, compare, file, log, memory, open, put as putOp, remove, type KvEvent } from '@varve/kv';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openFollower, type Follower } from '../src/index.ts';
import { b, failure, folder, follow, put, shown, source, until, type ByteStore } from './support.ts';

const prefix = { prefix: b('k/') };

async function told(events: AsyncIterable<KvEvent<string, string>>): Promise<string[]> {
  const all: string[] = [];
  for await (const event of events) all.push(JSON.stringify(event));
  return all;
}

/** Everything that both say of the revisions that the follower has. */
async function compareAll(from: ByteStore, follower: Follower, first: number): Promise<void> {
  const { revision } = await from.status();
  await follower.caughtUp(revision);
  const text = new TextDecoder();
  const asText = (bytesOf: Uint8Array | undefined): string | undefined => bytesOf && text.decode(bytesOf);
  for (let at = first; at <= revision; at++) {
    const wanted = (await from.at(at).list(prefix).toArray()).map((entry) => ({
      ...entry,
      key: asText(entry.key),
      value: asText(entry.value),
    }));
    expect(await follower.at(at).list({ prefix: 'k/' }).toArray(), `revision ${at}`).toEqual(wanted);
  }
  const events = await from.changes(prefix, { since: first }).toArray();
  const wanted = events.map((event) =>
    JSON.stringify({ ...event, key: asText(event.key), ...(event.value && { value: asText(event.value) }) }),
  );
  expect(await told(follower.changes({ prefix: 'k/' }, { since: first }))).toEqual(wanted);
}

const keyOf = fc.constantFrom('k/a', 'k/b', 'k/c', 'k/', 'j', 'l/x');
const step = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key: keyOf, value: fc.string({ maxLength: 4 }) }),
  fc.record({ type: fc.constant('delete' as const), key: keyOf }),
  fc.record({ type: fc.constant('range' as const) }),
  fc.record({
    type: fc.constant('txn' as const),
    keys: fc.uniqueArray(keyOf, { minLength: 1, maxLength: 3 }),
    twice: fc.boolean(),
  }),
  fc.record({ type: fc.constant('lease' as const), key: keyOf }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(from: ByteStore, taken: Step): Promise<void> {
  switch (taken.type) {
    case 'put':
      await from.put(b(taken.key), b(taken.value));
      break;
    case 'delete':
      await from.delete(b(taken.key));
      break;
    case 'range':
      await from.delete({ start: b('k/b'), end: b('m') });
      break;
    case 'txn':
      await from.write((section) => {
        for (const key of taken.keys) {
          section.put(b(key), b('1'));
          if (taken.twice) section.put(b(key), b('2'));
        }
      });
      break;
    default: {
      const lease = await from.lease({ ttl: 600 });
      await from.put(b(taken.key), b('leased'), { lease });
    }
  }
}

test('FLW1, REP4: at every revision a follower has the keys, versions and leases of its source, and the same changes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(step, { minLength: 1, maxLength: 25 }),
      async (before, after) => {
        const from = await source();
        for (const taken of before) await take(from, taken);
        const first = (await from.status()).revision;
        const follower = await follow(from, { range: prefix, elsewhere: 'refuse', checkMs: 4 });
        for (const taken of after) await take(from, taken);
        await compareAll(from, follower, first);
        expect((await follower.status()).copies).toBe(1);
        await follower.close();
        await from.close();
      },
    ),
    { numRuns: 8 },
  );
});

test.each([
  ['log', log],
  ['file', async (path: string) => file(join(path, 'copy.db'))],
] as const)('FOG1: a copy that was kept in a %s is gone on with, gaps in its revisions included', async (_, engine) => {
  const from = await source();
  const place = folder();
  const open = async (): Promise<Follower> =>
    follow(from, { range: prefix, elsewhere: 'refuse', location: engine(place), checkMs: 4 });
  await put(from, 'k/a', '1');
  await put(from, 'j', '1');
  const first = await open();
  const base = first.status().then(({ revision }) => revision);
  for (let i = 0; i < 5; i++) {
    await put(from, 'k/b', `${i}`);
    await put(from, 'j', `${i}`);
  }
  await first.caughtUp((await from.status()).revision);
  await first.close();
  await put(from, 'k/c', '1');
  await from.delete(b('k/a'));
  await put(from, 'j', 'later');
  const again = await open();
  expect((await again.status()).revision).toBeGreaterThanOrEqual(await base);
  await compareAll(from, again, await base);
  expect((await again.status()).copies).toBe(0);
  // A third one, which finds nothing new.
  await again.close();
  const third = await open();
  await third.synced;
  await compareAll(from, third, await base);
});

test('FLW5: history that was compacted meanwhile is made up for by another copy, which takes the place of the kept one', async () => {
  const from = await source();
  const place = folder();
  const open = async (): Promise<Follower> => follow(from, { location: log(place), elsewhere: 'refuse' });
  for (let i = 0; i < 50; i++) await put(from, `k/${i}`, 'old');
  const first = await open();
  await first.close();
  await from.delete(b('k/7'));
  await put(from, 'k/8', 'new');
  const { revision } = await from.status();
  await from.compact(revision);
  await put(from, 'k/9', 'newer');
  const again = await open();
  await again.synced;
  await until(async () => (await again.status()).copies === 1);
  await again.caughtUp();
  expect(await again.count({})).toBe(49);
  expect((await again.get('k/8'))?.value).toBe('new');
  expect((await failure(() => again.at(revision - 1).get('k/8'))).code).toBe('MVCC_COMPACTED');
  await put(from, 'k/8', 'last');
  await again.caughtUp();
  await again.close();
  const third = await open();
  await third.synced;
  expect([(await third.get('k/8'))?.value, (await third.get('k/8'))?.version, (await third.status()).copies]).toEqual([
    'last',
    3,
    0,
  ]);
});

test('FOG1, decisions/0035: a compaction at the very next revision may have taken deletions: that is copied again', async () => {
  const from = await source();
  const place = folder();
  await put(from, 'k/a', '1');
  await put(from, 'k/b', '1');
  const first = await follow(from, { location: log(place) });
  await first.close();
  const { revision } = await from.delete(b('k/a'));
  await from.compact(revision, { physical: true });
  const again = await follow(from, { location: log(place), elsewhere: 'refuse', checkMs: 4 });
  await again.caughtUp();
  expect(shown(await again.list({}).toArray())).toEqual(['k/b=1 v1 c3 m3 ']);
});

test('FOG2: a kept copy of another source is never gone on with', async () => {
  const from = await source();
  const place = folder();
  for (let i = 0; i < 5; i++) await put(from, 'a', `${i}`);
  const first = await follow(from, { location: log(place) });
  await first.close();
  const older = await source();
  await put(older, 'a', 'x');
  const other = await source();
  for (let i = 0; i < 9; i++) await put(other, 'b', `${i}`);
  for (const wrong of [older, other]) {
    const follower = await follow(wrong, { location: log(place), elsewhere: 'refuse' });
    expect((await failure(() => follower.synced)).code).toBe('KV_REPLACED');
    expect((await failure(() => follower.get('a'))).code).toBe('KV_REPLACED');
    expect(() => follower.watch('a')).toThrow('another store');
    expect((await follower.status()).phase).toBe('ended');
    await follower.close();
  }
  const right = await follow(from, { location: log(place) });
  await right.synced;
  expect((await right.get('a'))?.value).toBe('4');
});

test('REP2: a place that holds another store, or a copy of another range, is refused and left as it is', async () => {
  const place = folder();
  const own = await source(log(place));
  await put(own, 'a', 'mine');
  await own.close();
  const from = await source();
  expect((await failure(() => openFollower(from, { location: log(place) }))).code).toBe('BACKEND_FOREIGN');
  expect((await (await source(log(place))).get(b('a')))?.version).toBe(1);
  const other = folder();
  await (await follow(from, { location: log(other) })).close();
  expect((await failure(() => openFollower(from, { location: log(other), range: prefix }))).code).toBe('KV_INVALID');
});

test('FLW3: what a follower does not hold is asked of the source: other keys, and what was before its copy', async () => {
  const from = await source();
  const first = await put(from, 'k/a', '1');
  await put(from, 'j', 'outside');
  await put(from, 'k/a', '2');
  const follower = await follow(from, { range: prefix });
  const asked = async (): Promise<number> => (await follower.status()).elsewhere;
  expect([(await follower.get('k/a'))?.value, await follower.count({ prefix: 'k/' }), await asked()]).toEqual([
    '2',
    1,
    0,
  ]);
  expect((await follower.get('j'))?.value).toBe('outside');
  expect(await follower.count({})).toBe(2);
  expect((await follower.getMany(['k/a', 'j'])).map((entry) => entry?.value)).toEqual(['2', 'outside']);
  expect((await follower.at(first).get('k/a'))?.value).toBe('1');
  expect((await follower.history('k/a', { from: first }).toArray()).map(({ value }) => value)).toEqual(['1', '2']);
  expect((await follower.changes({}, { since: first }).toArray()).length).toBe(2);
  expect((await follower.diff(first, first + 2, { prefix: 'k/' }).toArray()).length).toBe(1);
  for await (const event of follower.watch('k/a', { from: first })) {
    expect(event.value).toBe('1');
    break;
  }
  expect(await asked()).toBe(8);
  expect(await follower.namespace('k/').count({})).toBe(1);
  expect(await asked()).toBe(8);
  await follower.put('j', 'through');
  expect((await from.get(b('j')))?.version).toBe(2);
  const strict = await follow(from, { range: prefix, elsewhere: 'refuse' });
  expect((await failure(() => strict.get('j'))).code).toBe('KV_INVALID');
  expect((await failure(() => strict.list({}).toArray())).code).toBe('KV_INVALID');
  expect(() => strict.watch({})).toThrow('elsewhere');
  expect((await failure(() => strict.at(first).get('k/a'))).code).toBe('MVCC_COMPACTED');
});

test('FLW2: a write can be read here when it is answered; the revision of another one is waited for with atLeast', async () => {
  const from = await source();
  const follower = await follow(from);
  for (let i = 0; i < 20; i++) {
    const { revision } = await follower.put('a', `${i}`);
    expect([(await follower.get('a'))?.value, (await follower.get('a'))?.modRevision]).toEqual([`${i}`, revision]);
  }
  const won = await follower.txn({
    if: [compare('a', { version: { equals: 20 } })],
    then: [putOp('b', '1'), remove('a')],
  });
  expect([won.succeeded, await follower.count({})]).toEqual([true, 1]);
  for (let i = 0; i < 20; i++) {
    const atLeast = await put(from, 'c', `${i}`);
    expect((await follower.get('c', { atLeast }))?.modRevision).toBeGreaterThanOrEqual(atLeast);
  }
  const atLeast = await put(from, 'd', 'x');
  expect(shown(await follower.list({ prefix: 'd' }, { atLeast }).toArray())).toEqual([
    `d=x v1 c${atLeast} m${atLeast} `,
  ]);
  expect(await follower.count({ prefix: 'd' }, { atLeast })).toBe(1);
  expect((await follower.page({}, { atLeast, limit: 1 })).revision).toBeGreaterThanOrEqual(atLeast);
});

test('FLW2: without readYourWrites a write is answered at once, and its revision says what to wait for', async () => {
  const from = await source();
  const follower = await follow(from, { readYourWrites: false });
  for (let i = 0; i < 10; i++) {
    const { revision } = await follower.put('a', `${i}`);
    expect((await follower.get('a', { atLeast: revision }))?.value).toBe(`${i}`);
  }
  // A follower may be followed.
  const first = await openFollower(from, { key: bytes, value: bytes });
  const second = await openFollower(first, { key: bytes, value: bytes });
  await second.caughtUp((await follower.put('a', 'end')).revision);
  expect(await second.get(b('a'))).toMatchObject({ value: b('end'), version: 11 });
  await second.close();
  await first.close();
});

test('FAR1: what does not come in time is KV_BEHIND, and an abort ends the waiting with its reason', async () => {
  const from = await source();
  const follower = await follow(from, { waitMs: 5 });
  expect((await failure(() => follower.get('a', { atLeast: 1000 }))).code).toBe('KV_BEHIND');
  expect((await failure(() => follower.list({}, { atLeast: 1000 }).toArray())).code).toBe('KV_BEHIND');
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = failure(() => follower.caughtUp(1000, { signal: controller.signal, waitMs: 60_000 }));
  controller.abort(reason);
  expect(await waiting).toBe(reason);
  expect((await failure(() => follower.get('a', { atLeast: 0 }))).code).toBe('KV_INVALID');
  const closing = failure(() => follower.caughtUp(1000, { waitMs: 60_000 }));
  await until(() => true);
  await follower.close();
  expect((await closing).code).toBe('KV_CLOSED');
});

test('LAG1: behind is 0 revisions and some milliseconds when all is well, and is known without a wait', async () => {
  const from = await source();
  const follower = await follow(from, { checkMs: 5, maxBehindMs: 60_000 });
  await follower.synced;
  await put(from, 'a', '1');
  await follower.caughtUp();
  expect(follower.behind.revisions).toBe(0);
  expect(follower.behind.ms).toBeGreaterThanOrEqual(0);
  expect((await follower.get('a'))?.value).toBe('1');
  const status = await follower.status();
  expect([status.phase, status.copies, status.events, JSON.parse(JSON.stringify(status))]).toEqual([
    'following',
    1,
    1,
    status,
  ]);
});

test('law 9: history here is given up as the source gives it up, or earlier where that was asked for', async () => {
  const from = await source();
  const follower = await follow(from, { checkMs: 5 });
  const short = await follow(from, { checkMs: 5, historyRevisions: 10 });
  for (let i = 0; i < 40; i++) await put(from, 'a', `${i}`);
  const { revision } = await from.status();
  await until(async () => ((await short.status()).compactRevision ?? 0) >= revision - 10);
  expect((await follower.status()).compactRevision).toBeUndefined();
  await from.compact(revision - 5);
  await until(async () => (await follower.status()).compactRevision === revision - 5);
  expect((await short.at(revision - 5).get('a'))?.value).toBe('34');
});

test('FOG3: a source that is closed ends reads and watches with that', async () => {
  const from = await source();
  const follower = await openFollower(from);
  const pulling = failure(async () => {
    for await (const _ of follower.watch({})) await Promise.resolve();
  });
  await from.close();
  expect((await pulling).code).toBe('KV_CLOSED');
  expect((await failure(() => follower.get('a'))).code).toBe('KV_CLOSED');
  await follower.close();
});

test('FOP1: wrong options are refused before anything is opened; a signal closes the follower', async () => {
  const from = await source();
  const wrong: readonly unknown[] = [
    { checkMs: 0 },
    { maxBehindMs: 1500 },
    { range: { prefix: 'k' } },
    { range: { from: b('k') } },
    { elsewhere: 'there' },
    { historyRevisions: 0 },
    { unknown: 1 },
    { cluster: {} },
  ];
  for (const options of wrong)
    expect((await failure(() => openFollower(from, options as object))).code).toBe('KV_INVALID');
  for (const nothing of [undefined, 'http://localhost', {}])
    expect((await failure(() => openFollower(nothing as ByteStore))).code).toBe('KV_INVALID');
  await using texts = await open(memory());
  await using textValues = await open(memory(), { key: bytes });
  await textValues.put(b('k'), 'v');
  for (const noBytes of [texts, textValues]) {
    const refused = await failure(() => openFollower(noBytes as unknown as ByteStore));
    expect(refused).toMatchObject({ code: 'KV_INVALID', message: expect.stringContaining('open it with key: bytes') });
  }
  const controller = new AbortController();
  const follower = await openFollower(from, { signal: controller.signal, key: bytes, value: bytes });
  expect(await follower.get(b('a'))).toBeUndefined();
  controller.abort();
  expect((await failure(() => follower.get(b('a')))).code).toBe('KV_CLOSED');
});
