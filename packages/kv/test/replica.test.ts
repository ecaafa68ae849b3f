/** The layers that a follower is built on: REP1, REP3 to REP5. What a follower does with them is tested there. */
import { utf8, type KvEvent } from '@varve/api';
import { expect, onTestFinished, test } from 'vitest';
import { MisfitError, openReplica, type Replica, type ReplicaChange, type ReplicaRecord } from '../src/replica.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const record = (key: string, version: number, createRevision: number, modRevision: number): ReplicaRecord => ({
  ...{ key: bytes(key), value: bytes(`${modRevision}`), version, createRevision, modRevision },
});
const putOf = (...of: Parameters<typeof record>): ReplicaChange => ({ type: 'put', ...record(...of) });
const gone = (key: string): ReplicaChange => ({ type: 'delete', key: bytes(key) });

async function opened(): Promise<Replica> {
  const replica = await openReplica();
  onTestFinished(() => replica.close());
  return replica;
}

async function filled(): Promise<Replica> {
  const replica = await opened();
  const records = [record('b', 2, 3, 7), record('a', 1, 4, 4), record('c', 1, 7, 7)];
  await replica.fill({ revision: 9, records, note: bytes('') });
  return replica;
}

function told(event: KvEvent<string, string>): string {
  return `${event.revision} ${event.type} ${event.key}`;
}

test('REP4: changes that fit are there, under their revision; of a revision with one that does not, nothing is', async () => {
  const replica = await filled();
  const view = replica.view(utf8, utf8);
  replica.apply(12, [putOf('b', 3, 3, 12), gone('a'), putOf('d', 1, 12, 12), putOf('d', 2, 12, 12)]);
  expect([replica.revision, await view.keys({}).toArray()]).toEqual([12, ['b', 'c', 'd']]);
  const wrong: readonly (readonly ReplicaChange[])[] = [
    [putOf('e', 1, 13, 13), putOf('b', 5, 3, 13)],
    [putOf('e', 1, 13, 13), putOf('b', 4, 2, 13)],
    [putOf('e', 1, 13, 13), putOf('a', 2, 4, 13)],
    [putOf('e', 1, 13, 13), gone('a')],
    [putOf('e', 1, 13, 12)],
  ];
  for (const changes of wrong) expect(() => replica.apply(13, changes)).toThrow(MisfitError);
  expect([replica.revision, await view.keys({}).toArray()]).toEqual([12, ['b', 'c', 'd']]);
  replica.apply(13, [putOf('e', 1, 13, 13)]);
  expect(await view.get('e')).toMatchObject({ version: 1, createRevision: 13, modRevision: 13 });
});

test('REP3: a state takes the place of another in one step, under reads that were begun and watches', async () => {
  const replica = await filled();
  const view = replica.view(utf8, utf8);
  const late = view.watch({}, { from: 10 });
  const again = view.watch({}, { from: 10, resync: true }).batches()[Symbol.asyncIterator]();
  const begun = view.list({})[Symbol.asyncIterator]();
  const pinned = view.at(9);
  expect((await begun.next()).value).toMatchObject({ key: 'a' });
  await replica.fill({ revision: 20, records: [record('c', 5, 7, 18), record('z', 1, 15, 15)], note: bytes('') });
  expect([replica.revision, replica.compactRevision, await view.keys({}).toArray()]).toEqual([20, 20, ['c', 'z']]);
  await expect(pinned.get('a')).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 20 });
  await expect(late[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'MVCC_COMPACTED' });
  expect((await again.next()).value).toMatchObject({ resync: true, events: [], revision: 20 });
  expect((await again.next()).value?.events.map(told)).toEqual(['18 put c', '15 put z']);
  await again.return?.();
  replica.apply(21, [putOf('c', 6, 7, 21)]);
  expect((await view.get('c'))?.version).toBe(6);
});

test('REP3, FIL3: a watch that needs no more than the very revision of the new state is told it whole', async () => {
  const replica = await filled();
  const watch = replica.view(utf8, utf8).watch({});
  await watch.started();
  await replica.fill({ revision: 10, records: [record('b', 2, 3, 7), record('d', 1, 10, 10)], note: bytes('') });
  const events: string[] = [];
  for await (const event of watch) if (events.push(told(event)) === 3) break;
  expect(events).toEqual(['10 put d', '10 delete a', '10 delete c']);
});

test('REP5: a watch that needs the revision of a state ends with MVCC_COMPACTED, also one that waited for it; the next one is whole', async () => {
  const replica = await filled();
  const view = replica.view(utf8, utf8);
  const pull = (watch: AsyncIterable<KvEvent<string, string>>): Promise<unknown> =>
    watch[Symbol.asyncIterator]().next();
  expect(replica.eventsFrom).toBe(10);
  await expect(pull(view.watch({}, { from: 9 }))).rejects.toMatchObject({
    code: 'MVCC_COMPACTED',
    compactRevision: 10,
  });
  const waiting = [view.watch({}), view.watch({}, { from: 19 }), view.watch({}, { from: 20 })];
  const later = view.watch({}, { from: 21 });
  await replica.fill({ revision: 20, records: [record('b', 2, 3, 7)], note: bytes('') });
  for (const watch of waiting)
    await expect(pull(watch)).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 21 });
  replica.apply(21, [gone('b')]);
  expect(await pull(later)).toMatchObject({ value: { type: 'delete', key: 'b', revision: 21 } });
  await later.close();
});

test('REP5: where what was there may be wrong, every watch of it ends, also one that needs nothing but what follows', async () => {
  const replica = await filled();
  const view = replica.view(utf8, utf8);
  const state = { records: [record('b', 2, 3, 7)], note: bytes(''), gap: true };
  for (const revision of [9, 10]) {
    const watch = view.watch({});
    const again = view.watch({}, { resync: true }).batches()[Symbol.asyncIterator]();
    const future = view.watch({}, { from: 12 });
    await replica.fill({ ...state, revision });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'MVCC_COMPACTED',
      compactRevision: revision + 1,
    });
    expect((await again.next()).value).toMatchObject({ resync: true, events: [] });
    await again.return?.();
    if (revision === 9) await future.close();
    else {
      replica.apply(12, [gone('b')]);
      expect((await future[Symbol.asyncIterator]().next()).value).toMatchObject({ type: 'delete', revision: 12 });
      await future.close();
    }
  }
});

test('REP1: a view has nothing to write with that works', async () => {
  const view = (await filled()).view(utf8, utf8) as unknown as { lease(options: object): Promise<unknown> };
  await expect(view.lease({ ttl: 5 })).rejects.toThrow();
});
