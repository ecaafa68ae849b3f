import { join } from 'node:path';
import { fileEngine } from '@varve/backend/file';
import { beforeEach, expect, test } from 'vitest';
import { folder } from './support/folder.ts';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

test('S40, S41, S42, S43, S46: deletions', async () => {
  await server.put('a', 'b', 'c', 'd');
  expect(await server.call('deleteRange', { key: 'nope' })).toEqual({ rev: 5 });
  expect(await server.call('deleteRange', {})).toBe(fails.emptyKey);
  expect(await server.call('deleteRange', { key: 'a', rangeEnd: 'a' })).toEqual({ rev: 5 });
  expect(await server.call('deleteRange', { key: 'a', rangeEnd: 'c' })).toEqual({ rev: 6, deleted: 2 });
  expect(await server.call('range', { key: 'a', rangeEnd: 'z' })).toMatchObject({ kvs: [{ key: 'c' }, { key: 'd' }] });
  expect(await server.call('deleteRange', { key: 'c', rangeEnd: '\0' })).toEqual({ rev: 7, deleted: 2 });
});

test('S44, S45: previous values, and a key that comes again', async () => {
  await server.put('a', 'x', 'b=1');
  const b = { key: 'b', value: '1', createRevision: 4, modRevision: 4, version: 1 };
  expect(await server.call('deleteRange', { key: 'b', prevKv: true })).toEqual({ rev: 5, deleted: 1, prevKvs: [b] });
  expect(await server.call('deleteRange', { key: 'b', prevKv: true })).toEqual({ rev: 5 });
  await server.put('b=2');
  expect(await server.call('range', { key: 'b' })).toMatchObject({
    kvs: [{ createRevision: 6, modRevision: 6, version: 1 }],
  });
});

test('S47: a store that was never compacted is compacted at 0 once', async () => {
  await server.put('a', 'b', 'c', 'd', 'e', 'f');
  expect(await server.call('compact', { revision: 0 })).toEqual({ rev: 7 });
  expect(await server.call('compact', { revision: 0 })).toBe(fails.compacted);
});

test('S48, S49, S50, S51: what may be compacted, and what may be read then', async () => {
  await server.put('a=1', 'a=2', 'b=1', 'a=3', 'b=2', 'a=4');
  expect(await server.call('compact', { revision: -1 })).toBe(fails.compacted);
  expect(await server.call('compact', { revision: 1000 })).toBe(fails.future);
  expect(await server.call('compact', { revision: 4, physical: true })).toEqual({ rev: 7 });
  expect(await server.call('compact', { revision: 4 })).toBe(fails.compacted);
  expect(await server.call('compact', { revision: 3 })).toBe(fails.compacted);
  const range = (more: object) => server.call('range', { key: 'a', rangeEnd: 'z', ...more });
  expect(await range({ revision: 3 })).toBe(fails.compacted);
  expect(await range({ revision: 3, countOnly: true })).toBe(fails.compacted);
  expect(await range({ revision: 4 })).toMatchObject({ rev: 7, count: 2, kvs: [{ value: '2' }, { value: '1' }] });
  expect(await range({ revision: -1 })).toMatchObject({ kvs: [{ value: '4' }, { value: '2' }] });
});

test('S52: compaction is remembered', async () => {
  const path = join(folder(), 'db');
  {
    await using first = await start({ engine: await fileEngine(path) });
    await first.put('a=1', 'a=2', 'a=3');
    await first.call('compact', { revision: 4 });
  }
  await using second = await start({ engine: await fileEngine(path) });
  expect(await second.call('range', { key: 'a', revision: 3 })).toBe(fails.compacted);
  expect(await second.call('compact', { revision: 4 })).toBe(fails.compacted);
});

test('S53, S54: a deletion at the compacted revision, and the present', async () => {
  await server.put('x', 'a', 'y', 'z');
  await server.call('deleteRange', { key: 'a' });
  expect(await server.call('compact', { revision: 6 })).toEqual({ rev: 6 });
  expect(await server.call('range', { key: 'a', revision: 6 })).toEqual({ rev: 6 });
  expect(await server.call('range', { key: 'a', revision: 5 })).toBe(fails.compacted);
  await server.put('a=again');
  expect(await server.call('compact', { revision: 7 })).toEqual({ rev: 7 });
  for (const revision of [0, 7]) {
    expect(await server.call('range', { key: 'a', revision })).toMatchObject({ kvs: [{ value: 'again' }] });
  }
});
