import { beforeEach, expect, test } from 'vitest';
import type { Plain } from './support/messages.ts';
import { start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const COMPACTED = 'etcdserver: mvcc: required revision has been compacted';

test('S105, S106, W81: ids', async () => {
  using three = server.watch();
  for (let at = 0; at < 3; at++) three.send({ createRequest: { key: 'a' } });
  expect([await three.next(), await three.next(), await three.next()]).toEqual([
    { rev: 1, created: true },
    { rev: 1, created: true, watchId: 1 },
    { rev: 1, created: true, watchId: 2 },
  ]);
  using four = server.watch();
  for (const watchId of [1, 1, 0, 0]) four.send({ createRequest: { key: 'a', watchId } });
  expect([await four.next(), await four.next(), await four.next(), await four.next()]).toEqual([
    { rev: 1, created: true, watchId: 1 },
    {
      rev: 1,
      created: true,
      canceled: true,
      watchId: -1,
      cancelReason: 'mvcc: duplicate watch ID provided on the WatchStream',
    },
    { rev: 1, created: true },
    { rev: 1, created: true, watchId: 2 },
  ]);
});

test('S107, S112, W81, W89: what is refused leaves the stream as it is', async () => {
  using watch = server.watch();
  watch.send({});
  watch.send({ createRequest: { key: 'b', rangeEnd: 'a' } });
  watch.send({ createRequest: { key: 'foo', rangeEnd: 'foo' } });
  const refused = { rev: 1, created: true, canceled: true, watchId: -1, cancelReason: 'mvcc: watcher range is empty' };
  expect([await watch.next(), await watch.next()]).toEqual([refused, refused]);
  watch.send({ createRequest: { key: 'b' } });
  expect(await watch.next()).toEqual({ rev: 1, created: true });
});

test('S108, S109, W92: history that is gone, and revisions that never were', async () => {
  await server.put(...Array.from({ length: 10 }, (_, at) => `a=${at}`));
  await server.call('compact', { revision: 10 });
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a', startRevision: 5 } });
  expect(await watch.next()).toEqual({ rev: 11, created: true });
  expect(await watch.next()).toEqual({ canceled: true, compactRevision: 10 });
  watch.send({ createRequest: { key: 'a', startRevision: -1 } });
  expect(await watch.next()).toEqual({ rev: 11, created: true, canceled: true, watchId: -1, cancelReason: COMPACTED });
});

test('S110, S111, W82: cancelling', async () => {
  using watch = server.watch();
  watch.send({ cancelRequest: { watchId: 42 } });
  watch.send({ createRequest: { key: 'a' } });
  watch.send({ createRequest: { key: 'b' } });
  expect([await watch.next(), await watch.next()]).toMatchObject([{ created: true }, { created: true }]);
  for (const watchId of [0, 0, 99, -1]) watch.send({ cancelRequest: { watchId } });
  watch.send({ createRequest: { key: 'c' } });
  expect([await watch.next(), await watch.next()]).toEqual([
    { rev: 1, canceled: true },
    { rev: 1, created: true, watchId: 2 },
  ]);
});

test('W90: nothing of a cancelled watcher comes to the next one of its id', async () => {
  await server.put(...Array.from({ length: 50 }, (_, at) => `a=${at}`));
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a', watchId: 7, startRevision: 1 } });
  watch.send({ cancelRequest: { watchId: 7 } });
  watch.send({ createRequest: { key: 'a', watchId: 7, startRevision: 53 } });
  const answers: Plain[] = [];
  do answers.push(await watch.next());
  while (answers.filter(({ created }) => created === true).length < 2);
  const last = answers.findIndex(({ canceled }) => canceled === true);
  expect(answers.slice(last + 1)).toEqual([{ rev: 51, created: true, watchId: 7 }]);
  await server.put('a=52', 'a=53');
  expect(await watch.next()).toMatchObject({ watchId: 7, events: [{ kv: { value: '53' } }] });
});

test('S113, W87: requests that end leave the watchers', async () => {
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  watch.halfClose();
  await server.put('a=1');
  expect(await watch.next()).toMatchObject({ rev: 2, events: [{ kv: { key: 'a', value: '1' } }] });
});

test('S114, W88: a call that is cancelled frees its watchers', async () => {
  const watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  expect(server.store.watchStats.watchers).toBe(1);
  watch.cancel();
  expect(await watch.end).toContain('CANCELLED');
  await expect.poll(() => server.store.watchStats.watchers).toBe(0);
  expect(server.store.watchStats.streams).toBe(0);
});

test('S117, S118, W61: progress speaks of all that came before it', async () => {
  await server.put(...Array.from({ length: 1001 }, (_, at) => `foo=${at}`));
  using watch = server.watch();
  watch.send({ createRequest: { key: 'foo', startRevision: 1 } });
  watch.send({ progressRequest: {} });
  await watch.next();
  const first = await watch.next();
  const second = await watch.next();
  expect([first, second].map(({ events }) => (events as object[]).length)).toEqual([1000, 1]);
  expect([first, second].map(({ rev }) => rev)).toEqual([1002, 1002]);
  expect(watch.waiting).toBe(0);
  watch.send({ progressRequest: {} });
  expect(await watch.next()).toEqual({ rev: 1002, watchId: -1 });
});

test('W59, W60: progress by time comes when nothing else did, and not before its time', async () => {
  await using other = await start({ progressIntervalMs: 100 });
  using watch = other.watch();
  watch.send({ createRequest: { key: 'a', progressNotify: true } });
  watch.send({ createRequest: { key: 'a', progressNotify: true, startRevision: 100 } });
  await watch.next();
  await watch.next();
  for (let at = 0; at < 3; at++) expect(await watch.next()).toEqual({ rev: 1 });
  await other.put('a=1');
  let answer = await watch.next();
  // As many as there was time for.
  for (; answer['events'] === undefined; answer = await watch.next()) expect(answer).toHaveProperty('rev');
  expect(answer).toMatchObject({ rev: 2, events: [{ kv: { key: 'a' } }] });
});

test('S119: a previous value that compaction took away', async () => {
  await server.put('a=1', 'a=2');
  await server.call('compact', { revision: 3, physical: true });
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a', startRevision: 3, prevKv: true } });
  await watch.next();
  expect(await watch.next()).toEqual({
    rev: 3,
    events: [{ kv: { key: 'a', value: '2', createRevision: 2, modRevision: 3, version: 2 } }],
  });
});

test('W46, W86: previous values for those who asked', async () => {
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  watch.send({ createRequest: { key: 'a', prevKv: true } });
  await watch.next();
  await watch.next();
  await server.put('a=1', 'a=2');
  await server.call('deleteRange', { key: 'a' });
  const answers: Plain[] = [];
  for (let at = 0; at < 6; at++) answers.push(await watch.next());
  const events = (id: number): unknown[] =>
    answers.filter(({ watchId = 0 }) => watchId === id).flatMap(({ events: found }) => found as object[]);
  expect(events(0).map((event) => 'prevKv' in (event as object))).toEqual([false, false, false]);
  expect(events(1)).toMatchObject([
    { kv: { value: '1' } },
    { prevKv: { value: '1' } },
    { type: 1, prevKv: { value: '2' } },
  ]);
  expect(events(1)[0]).not.toHaveProperty('prevKv');
});

test('S120, W83, W85: large answers, in pieces for those who asked', async () => {
  const value = 'x'.repeat(1024 * 1024);
  for (let at = 0; at < 5; at++) await server.call('put', { key: 'a', value });
  const sizes = async (fragment: boolean): Promise<[number, boolean][]> => {
    using watch = server.watch();
    watch.send({ createRequest: { key: 'a', startRevision: 1, fragment } });
    await watch.next();
    const found: [number, boolean][] = [];
    for (let events = 0; events < 5;) {
      const answer = await watch.next();
      const { length } = answer['events'] as object[];
      found.push([length, answer['fragment'] === true]);
      events += length;
    }
    return found;
  };
  expect(await sizes(true)).toEqual([
    [1, true],
    [1, true],
    [1, true],
    [1, true],
    [1, false],
  ]);
  expect(await sizes(false)).toEqual([[5, false]]);
});

test('W94: filters, of which unknown ones are ignored', async () => {
  using watch = server.watch();
  const [NOPUT, NODELETE] = [0, 1];
  for (const filters of [[9], [NOPUT], [NODELETE]]) watch.send({ createRequest: { key: 'a', filters } });
  for (let at = 0; at < 3; at++) await watch.next();
  await server.put('a=1');
  await server.call('deleteRange', { key: 'a' });
  const answers: Plain[] = [];
  for (let at = 0; at < 4; at++) answers.push(await watch.next());
  const types = (id: number): unknown[] =>
    answers
      .filter(({ watchId = 0 }) => watchId === id)
      .flatMap(({ events }) => (events as { readonly type?: number }[]).map(({ type = 0 }) => type));
  expect([types(0), types(1), types(2)]).toEqual([[0, 1], [1], [0]]);
});

test('an empty key with the end 0x00 sees everything (W80)', async () => {
  using watch = server.watch();
  watch.send({ createRequest: { key: '', rangeEnd: '\0' } });
  await watch.next();
  await server.put('any');
  expect(await watch.next()).toMatchObject({ events: [{ kv: { key: 'any' } }] });
});

test('a client that does not read costs a bounded queue, and gets everything when it does (law 9)', async () => {
  using slow = server.watch();
  slow.send({ createRequest: { key: 'k' } });
  await slow.next();
  slow.pause();
  for (let at = 0; at < 300; at++) await server.call('put', { key: 'k', value: 'x'.repeat(20_000) });
  expect(server.store.watchStats.pending).toBeLessThanOrEqual(129);
  slow.resume();
  const revisions: number[] = [];
  while (revisions.length < 300) {
    const { events } = (await slow.next()) as {
      readonly events: readonly { readonly kv: { readonly modRevision: number } }[];
    };
    revisions.push(...events.map(({ kv }) => kv.modRevision));
  }
  expect(revisions).toEqual(Array.from({ length: 300 }, (_, at) => at + 2));
});
