/** What a follower has missed, and what it was never told: FOG1, FOG2, FOG5, PAS1, FLW5, REP5. */
import { log, type KvEvent, type WatchBatch } from '@varve/kv';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Follower } from '../src/index.ts';
import { altered, b, failure, folder, follow, Forgetful, put, source, until, type ByteStore } from './support.ts';

const told = ({ revision, type, key }: KvEvent<string, string>): string => `${revision} ${type} ${key}`;

/** The first of it, or why there is none. */
async function first(events: AsyncIterable<KvEvent<string, string>>): Promise<unknown> {
  const error = await failure(async () => {
    for await (const event of events) throw new Error(told(event));
  });
  return error.code ?? error.message;
}

/** A store in whose newest revision a key was deleted, and a follower that was made of it, now or by the one before. */
async function ofDeletion(isKept: boolean, elsewhere: 'source' | 'refuse'): Promise<[ByteStore, Follower, number]> {
  const from = await source();
  for (const key of ['a', 'b']) await put(from, key, '1');
  const { revision } = await from.delete(b('a'));
  if (!isKept) return [from, await follow(from, { elsewhere }), revision];
  const location = folder();
  await (await follow(from, { location: log(location) })).close();
  return [from, await follow(from, { location: log(location), elsewhere }), revision];
}

test.each([
  ['was made now', false],
  ['was kept', true],
])(
  'REP5: of the revision that a copy was made of, and before, nothing is told where that is refused: the copy %s',
  async (_, isKept) => {
    const [from, follower, base] = await ofDeletion(isKept, 'refuse');
    for (const revision of [base - 1, base]) {
      expect(await first(follower.watch({}, { from: revision }))).toBe('MVCC_COMPACTED');
      expect(await failure(() => follower.history('a', { from: revision }).toArray())).toMatchObject({
        code: 'MVCC_COMPACTED',
        compactRevision: base + 1,
      });
    }
    const early: readonly (() => Promise<unknown>)[] = [
      () => follower.changes({}, { since: base - 1 }).toArray(),
      () => follower.diff(base - 1, base, {}).toArray(),
      () => follower.at(base - 1).get('a'),
    ];
    for (const read of early)
      expect(await failure(read)).toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: base });
    // From there on everything is.
    await follower.caughtUp(await put(from, 'c', '1'));
    expect((await follower.changes({}, { since: base }).toArray()).map(told)).toEqual([`${base + 1} put c`]);
    expect((await follower.history('c', { from: base + 1 }).toArray()).map(told)).toEqual([`${base + 1} put c`]);
    expect((await follower.diff(base, base + 1, {}).toArray()).length).toBe(1);
    expect(await first(follower.watch({}, { from: base + 1 }))).toBe(`${base + 1} put c`);
  },
);

test.each([
  ['was made now', false],
  ['was kept', true],
])('FLW3: of the revision that a copy was made of, the source tells: the copy %s', async (_, isKept) => {
  const [, follower, base] = await ofDeletion(isKept, 'source');
  const deleted = `${base} delete a`;
  expect((await follower.changes({}, { since: base - 1 }).toArray()).map(told)).toEqual([deleted]);
  expect((await follower.history('a', { from: base }).toArray()).map(told)).toEqual([deleted]);
  expect(await first(follower.watch({}, { from: base }))).toBe(deleted);
});

const key = fc.constantFrom('a', 'b', 'c', 'd');
const change = fc.record({ key, isPut: fc.boolean() });

async function make(
  from: ByteStore,
  changes: readonly { readonly key: string; readonly isPut: boolean }[],
): Promise<void> {
  for (const { key: name, isPut } of changes) {
    if (isPut) await put(from, name, 'x');
    else await from.delete(b(name));
  }
}

test('PAS1, FOG2: stores that have gone apart are told apart, whichever keys they have in common; one that was away is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 8 }),
      key,
      fc.array(change, { minLength: 1, maxLength: 8 }),
      async (common, last, later) => {
        const [mine, other] = [await source(), await source()];
        const location = folder();
        const away = new Forgetful(mine);
        const follower = await follow(away.store, { location: log(location), retryMs: 1 });
        for (const from of [mine, other]) await make(from, common);
        await follower.caughtUp();
        away.cut();
        await put(mine, last, 'mine');
        await make(mine, later);
        await follower.caughtUp();
        expect((await follower.status()).copies).toBe(1);
        await follower.close();
        const kept = (await mine.status()).revision;
        // As long a history, which ends otherwise.
        await make(mine, [{ key: last, isPut: true }]);
        const again = await follow(mine, { location: log(location) });
        await again.caughtUp();
        expect((await again.status()).copies).toBe(0);
        await again.close();
        while ((await other.status()).revision <= kept + 1) await put(other, last, 'other');
        const wrong = await follow(other, { location: log(location) });
        expect((await failure(() => wrong.synced)).code).toBe('KV_REPLACED');
        await wrong.close();
      },
    ),
    { numRuns: 4 },
  );
});

test('PAS1: what was written last is compared, not the greatest key', async () => {
  const [mine, other] = [await source(), await source()];
  for (const from of [mine, other]) for (const name of ['a', 'z']) await put(from, name, '1');
  await put(mine, 'a', 'mine');
  const location = folder();
  await (await follow(mine, { location: log(location) })).close();
  for (const value of ['other', 'more']) await put(other, 'a', value);
  const wrong = await follow(other, { location: log(location), elsewhere: 'refuse' });
  expect((await failure(() => wrong.synced)).code).toBe('KV_REPLACED');
  expect((await failure(() => wrong.get('a'))).code).toBe('KV_REPLACED');
});

/** A change of two keys is not told of, the next change of one of them is. */
async function miss(from: ByteStore, lossy: Forgetful, follower: Follower): Promise<void> {
  lossy.forgets = (await from.status()).revision + 1;
  await from.write((section) => {
    for (const name of ['a', 'b']) section.put(b(name), b('missed'));
  });
  await follower.caughtUp(lossy.forgets);
  await put(from, 'a', 'next');
}

test('FOG5: a change that was missed leads to another copy, and ends the watches that were told too little', async () => {
  const from = await source();
  for (const name of ['a', 'b', 'z']) await put(from, name, '1');
  const lossy = new Forgetful(from);
  const follower = await follow(lossy.store);
  const plain = first(follower.watch({}));
  const batches = follower.watch({}, { resync: true }).batches()[Symbol.asyncIterator]();
  await miss(from, lossy, follower);
  expect((await batches.next()).value).toMatchObject({ resync: true, events: [] });
  const state = (await batches.next()).value as WatchBatch<string, string>;
  expect(state.events.map((event) => `${event.key}=${event.value}`).toSorted()).toEqual(['a=next', 'b=missed', 'z=1']);
  await batches.return?.();
  expect(await plain).toBe('MVCC_COMPACTED');
  await follower.caughtUp();
  expect((await follower.get('b'))?.value).toBe('missed');
  await until(async () => (await follower.status()).phase === 'following');
  expect((await follower.status()).copies).toBe(2);
});

test('FOG5: a kept copy that has missed something is copied again before it is shown', async () => {
  const from = await source();
  for (const name of ['a', 'b', 'z']) await put(from, name, '1');
  const location = folder();
  const lossy = new Forgetful(from);
  const follower = await follow(lossy.store, { location: log(location), checkMs: 600_000 });
  await follower.synced;
  // Where the source is cannot be asked: so there is no other copy.
  lossy.isAway = true;
  await miss(from, lossy, follower);
  await until(async () => (await follower.status()).phase === 'waiting');
  expect((await follower.get('b'))?.value).toBe('1');
  await follower.close();
  const again = await follow(from, { location: log(location) });
  expect([(await again.get('b'))?.value, (await again.status()).copies]).toEqual(['missed', 1]);
  await again.close();
  const third = await follow(from, { location: log(location) });
  await third.synced;
  expect([(await third.get('b'))?.value, (await third.status()).copies]).toEqual(['missed', 0]);
});

test('FOG2: a source that is another one when its state has come is not taken in', async () => {
  const [mine, other] = [await source(), await source()];
  for (const from of [mine, other]) await put(from, 'a', '1');
  let asked = 0;
  const place = folder();
  const turning = altered<ByteStore>(mine, {
    status: async (options) => ({ ...(await mine.status(options)), clusterId: asked++ === 0 ? 'one' : 'other' }),
  });
  expect((await failure(() => follow(turning, { location: log(place) }))).code).toBe('KV_REPLACED');
  const follower = await follow(other, { location: log(place) });
  expect((await follower.status()).copies).toBe(1);
});
