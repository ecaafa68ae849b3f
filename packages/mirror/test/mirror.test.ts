/** Two stores, one of which is kept like the other. */
import { file, log, memory, open, tuple } from '@varve/kv';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareStores, mirror } from '../src/index.ts';
import { b, folder, opened, s, storyOf } from './support.ts';

test('what is there is copied, what the target has beside it goes, and every change after it follows', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 500; i++) await from.put(b(`key/${i}`), b(`value ${i}`));
  await to.put(b('key/7'), b('value 7'));
  await to.put(b('key/8'), b('another'));
  await to.put(b('left over'), b('x'));
  await using running = mirror(from, to);
  expect(await running.caughtUp()).toMatchObject({ sourceRevision: 501 });
  expect(running.status()).toMatchObject({ copied: 500, copies: 1, events: 0, behind: 0 });
  await from.put(b('key/1'), b('changed'));
  await from.delete(b('key/2'));
  await from.txn({
    then: [
      { type: 'put', key: b('a'), value: b('1') },
      { type: 'put', key: b('b'), value: b('2') },
    ],
  });
  const { targetRevision } = await running.caughtUp();
  expect(await compareStores({ store: from }, { store: to, revision: targetRevision })).toMatchObject({
    equal: true,
    keys: 501,
  });
  const [a, bb] = await to.getMany([b('a'), b('b')]);
  expect(a!.modRevision).toBe(bb!.modRevision);
  expect(running.status()).toMatchObject({ phase: 'following', events: 4, copies: 1, afterFence: 0 });
});

test('a range alone is mirrored, and nothing else of the target is touched', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('in/1'), b('1'));
  await from.put(b('out/1'), b('1'));
  await to.put(b('in/2'), b('gone'));
  await to.put(b('out/2'), b('stays'));
  const range = { prefix: b('in/') };
  await using running = mirror(from, to, { range });
  await from.put(b('out/3'), b('3'));
  await from.put(b('in/3'), b('3'));
  await running.caughtUp();
  const keys = (await to.keys({}).toArray()).map(s).filter((key) => !key.startsWith('\0'));
  expect(keys).toEqual(['in/1', 'in/3', 'out/2']);
  expect(await compareStores({ store: from }, { store: to }, { range })).toMatchObject({ equal: true });
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({
    equal: false,
    differences: 3,
    examples: [
      { key: b('out/1'), kind: 'missing' },
      { key: b('out/2'), kind: 'extra' },
      { key: b('out/3'), kind: 'missing' },
    ],
  });
});

test('a mirror that is closed and begun again, in the middle of a large revision too, loses nothing and doubles nothing', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const first = mirror(from, to, { name: 'm', maxOps: 3 });
  await first.caughtUp();
  const work = (async () => {
    for (let i = 0; i < 60; i++) {
      await from.put(b(`k${i % 7}`), b(`${i}`));
      await from.txn({
        then: Array.from({ length: 10 }, (_, j) => ({ type: 'put' as const, key: b(`t${j}`), value: b(`${i}`) })),
      });
      if (i % 5 === 0) await from.delete({ prefix: b('t') });
    }
  })();
  let running = first;
  for (let i = 0; i < 10; i++) {
    await running.caughtUp(Math.min((await from.status()).revision, 5 + i * 12));
    await running.close();
    await running.ended;
    running = mirror(from, to, { name: 'm', maxOps: 3 });
  }
  await work;
  await running.caughtUp();
  expect(running.status().copies).toBe(0);
  await running.close();
  expect(await storyOf(to)).toEqual(await storyOf(from));
});

test.each([
  ['file', (path: string) => file(join(path, 'store.db'))],
  ['log', (path: string) => log(join(path, 'store'))],
] as const)('both ends may be closed and opened again (%s)', async (_, place) => {
  const paths = [folder(), folder()];
  for (let round = 0; round < 3; round++) {
    const [from, to] = [await opened(place(paths[0]!)), await opened(place(paths[1]!))];
    await using running = mirror(from, to);
    for (let i = 0; i < 30; i++) await from.put(b(`k${i}`), b(`${round}/${i}`));
    // In all rounds but the last it may end before it has followed all.
    if (round === 2) await running.caughtUp();
    else await running.caughtUp(2);
    await running.close();
    await Promise.all([from.close(), to.close()]);
  }
  const [from, to] = [await opened(place(paths[0]!)), await opened(place(paths[1]!))];
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 30 });
  expect(await storyOf(to)).toMatchObject({ k29: (await storyOf(from))['k29'] });
});

test('history that was compacted while it was away is made up for by a copy of what differs', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('stays'), b('1'));
  await from.put(b('goes'), b('1'));
  const first = mirror(from, to);
  await first.caughtUp();
  await first.close();
  await from.delete(b('goes'));
  const { revision } = await from.put(b('comes'), b('1'));
  await from.compact(revision);
  await using second = mirror(from, to);
  await second.caughtUp();
  expect(second.status()).toMatchObject({ copies: 1, copied: 2 });
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 2 });
});

test('a fence resolves when all before it is there, and counts what comes after it', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await using running = mirror(from, to);
  const writes = Array.from({ length: 100 }, (_, i) => from.put(b(`k${i}`), b('x')));
  const fenced = await running.fence();
  await Promise.all(writes);
  expect(fenced.sourceRevision).toBeGreaterThanOrEqual(102);
  expect(await to.at(fenced.targetRevision).count({ prefix: b('k') })).toBe(100);
  expect(running.status().afterFence).toBe(0);
  await from.put(b('late'), b('x'));
  await running.caughtUp();
  expect(running.status().afterFence).toBe(1);
  expect(await to.get(b('late'))).toBeDefined();
  // The fence and the place are of one store each.
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 101 });
});

test('after the fence a mirror the other way keeps the store that was left up to date', async () => {
  const [left, right] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 20; i++) await left.put(b(`k${i}`), b('1'));
  const there = mirror(left, right);
  await there.fence();
  await there.close();
  await using back = mirror(right, left);
  await right.put(b('k0'), b('2'));
  await right.delete(b('k1'));
  await back.caughtUp();
  expect(back.status()).toMatchObject({ copied: expect.toSatisfy((copied: number) => copied <= 2) });
  expect(await compareStores({ store: left }, { store: right })).toMatchObject({ equal: true, keys: 19 });
  expect(await storyOf(left)).toMatchObject({ k0: ['1', '2'], k1: ['1', undefined], k2: ['1'] });
});

test('two mirrors of one name stop each other, and a source that is behind the target is refused', async () => {
  const [from, other, to] = [await opened(memory()), await opened(memory()), await opened(memory())];
  for (let i = 0; i < 9; i++) await from.put(b('k'), b(`${i}`));
  const first = mirror(from, to);
  await first.caughtUp();
  const second = mirror(from, to);
  await second.caughtUp();
  await from.put(b('k'), b('new'));
  const ended = await Promise.allSettled([first.caughtUp(), second.caughtUp()]);
  const refused = ended.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['KV_CONFLICT']);
  await Promise.all([first.close(), second.close()]);
  const third = mirror(other, to);
  await expect(third.ended).rejects.toMatchObject({
    code: 'KV_REPLACED',
    message: expect.stringContaining('another store'),
  });
  expect(third.status()).toMatchObject({ phase: 'ended', reason: { code: 'KV_REPLACED' } });
  await expect(third.caughtUp(1_000)).rejects.toMatchObject({ code: 'KV_REPLACED' });
});

test('what ends it is said: a closed source, a closed target, an aborted signal', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const one = mirror(from, to);
  await one.caughtUp();
  const controller = new AbortController();
  const two = mirror(from, to, { name: 'two', signal: controller.signal });
  await two.caughtUp();
  controller.abort(new Error('enough'));
  await expect(two.ended).rejects.toThrow('enough');
  await from.close();
  await expect(one.ended).rejects.toMatchObject({ code: 'KV_CLOSED' });
  const [again, gone] = [await opened(memory()), await opened(memory())];
  const three = mirror(again, gone);
  await three.caughtUp();
  await gone.close();
  await again.put(b('k'), b('v'));
  await expect(three.ended).rejects.toMatchObject({ code: 'KV_CLOSED' });
});

test('wrong arguments are refused before anything happens', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await using texts = await open(memory());
  await using tuples = await open(memory(), { key: tuple() });
  const wrong: [unknown[], string][] = [
    [[undefined, to], 'from'],
    [[from, {}], 'to'],
    [[from, from], 'to must be another store than from'],
    [[texts, to], 'from must be a store of bytes: open it with key: bytes'],
    [[from, tuples], 'to must be a store of bytes'],
    [[from, to, { maxOps: 0 }], 'maxOps'],
    [[from, to, { maxOps: 100_001 }], 'maxOps'],
    [[from, to, { maxBytes: 0 }], 'maxBytes'],
    [[from, to, { retryMs: 0 }], 'retryMs'],
    [[from, to, { bookmarkMs: 0 }], 'bookmarkMs'],
    [[from, to, { world: {} }], 'world'],
    [[from, to, { range: 1 }], 'range'],
    [[from, to, { range: null }], 'range'],
    [[from, to, { name: '' }], 'name'],
    [[from, to, { rnage: {} }], 'rnage'],
    [[from, to, { range: { prefx: b('a') } }], 'prefx'],
    [[from, to, { range: { prefix: 'a' } }], 'range.prefix'],
    [[from, to, { signal: 1 }], 'signal'],
  ];
  for (const [args, word] of wrong) {
    expect(() => (mirror as (...all: unknown[]) => unknown)(...args)).toThrow(
      expect.objectContaining({ code: 'KV_INVALID', message: expect.stringContaining(word) }),
    );
  }
  const wrongToo: [unknown[], string][] = [
    [[{ store: from }, { store: to }, { keep: -1 }], 'keep'],
    [[{ store: from }, { store: to }, { kep: 1 }], 'kep'],
    [[{ store: from }, { store: to }, { range: { start: 1 } }], 'range.start'],
    [[from, { store: to }], 'first.store'],
    [[{ store: from }, { store: texts }], 'second.store must be a store of bytes'],
    [[{ store: from }, undefined], 'second.store'],
  ];
  for (const [args, word] of wrongToo) {
    await expect((compareStores as (...all: unknown[]) => Promise<unknown>)(...args)).rejects.toMatchObject({
      code: 'KV_INVALID',
      message: expect.stringContaining(word),
    });
  }
  expect((await to.status()).revision).toBe(1);
});

test('what its watch of the source throws ends it, and nothing waits any more', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('a'), b('1'));
  const running = mirror(from, to, { range: { start: b('b'), end: b('a') } });
  await expect(running.ended).rejects.toMatchObject({ code: 'WATCH_EMPTY_RANGE' });
  await running.close();
  expect(running.status()).toMatchObject({ phase: 'ended', reason: { code: 'WATCH_EMPTY_RANGE' } });
});

test('MPL2: a mirror of the same name and another range does not go on where that one was', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const [a, c] = [b('a'), b('c')];
  for (const [range, ...others] of [
    [{ start: a, end: c }, {}, { start: a }, { end: c }, { start: a, end: b('d') }],
    [{ start: c }, {}, { end: c }, { prefix: c }],
  ]) {
    const options = { name: `${others.length}` };
    const first = mirror(from, to, { ...options, range });
    await first.caughtUp();
    await first.close();
    for (const other of others) {
      await expect(mirror(from, to, { ...options, range: other }).ended).rejects.toMatchObject({
        code: 'KV_CONFLICT',
        message: expect.stringContaining('another range'),
      });
    }
    await using again = mirror(from, to, { ...options, range: { ...range, prefix: undefined } });
    await again.caughtUp();
    expect(again.status().copies).toBe(0);
  }
});

test('after a restart, too, the revision of the target that is told shows what it should', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('a'), b('1'));
  const first = mirror(from, to);
  const { targetRevision } = await first.caughtUp();
  await first.close();
  await using second = mirror(from, to);
  const again = await second.caughtUp();
  expect(again.targetRevision).toBe(targetRevision);
  expect(s((await to.at(again.targetRevision).get(b('a')))!.value)).toBe('1');
});

test('each fence counts what comes after it, once', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await using running = mirror(from, to);
  const fenced = running.fence();
  // Heard in the same moment as the fence, or before its put is answered.
  const late = from.put(b('late'), b('x'));
  await fenced;
  await running.caughtUp((await late).revision);
  expect(running.status().afterFence).toBe(1);
  await running.fence();
  expect(running.status().afterFence).toBe(0);
});

test('a lease that a key of the target had goes, though the value is the same', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('k'), b('v'));
  await to.put(b('k'), b('v'), { ttl: 1000 });
  await using running = mirror(from, to);
  await running.caughtUp();
  expect((await to.get(b('k')))!.lease).toBeUndefined();
});

test('law 9: while nothing happens the target is not written', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await using running = mirror(from, to, { range: { prefix: b('in/') }, bookmarkMs: 1 });
  await running.caughtUp();
  const place = async (): Promise<number> => (await to.status()).revision;
  const { revision } = await from.put(b('out/1'), b('x'));
  await running.caughtUp(revision);
  const written = await place();
  // Several bookmarks of the source come meanwhile.
  for await (const { events } of from.watch({ prefix: b('in/') }, { progressIntervalMs: 600 }).batches()) {
    expect(events).toEqual([]);
    break;
  }
  expect(await place()).toBe(written);
});
