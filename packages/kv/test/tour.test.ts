import { expect, test } from 'vitest';
import { file, get, level, memory, missing, open, put, type Location } from '../src/index.ts';
import { collect, temporaryFolder } from './helpers.ts';

const places: readonly [string, () => Location][] = [
  ['a folder', () => temporaryFolder()],
  ['LevelDB', () => level(temporaryFolder())],
  ['one file', () => file(temporaryFolder('store.db'))],
  ['memory', () => memory()],
];

test.each(places)('the tour of the design works on %s', async (_, place) => {
  await using kv = await open(place());
  const { revision } = await kv.put('config/theme', 'dark');
  await kv.put('config/theme', 'light');
  const now = await kv.get('config/theme');
  expect(now).toEqual({
    key: 'config/theme',
    value: 'light',
    version: 2,
    createRevision: 2,
    modRevision: 3,
  });
  const then = await kv.at(revision).get('config/theme');
  expect(then?.value).toBe('dark');
  expect((await collect(kv.list({ prefix: 'config/' }))).map((entry) => entry.value)).toEqual(['light']);

  const controller = new AbortController();
  const events = kv.watch({ prefix: 'config/' }, { from: revision, signal: controller.signal });
  const seen = await collect(events, 2);
  expect(seen.map((event) => [event.type, event.key, event.revision])).toEqual([
    ['put', 'config/theme', 2],
    ['put', 'config/theme', 3],
  ]);

  const run = () => kv.txn({ if: [missing('leader')], then: [put('leader', 'me')], else: [get('leader')] });
  expect(await run()).toEqual({ succeeded: true, revision: 4, results: [{ revision: 4 }] });
  const lost = await run();
  expect(lost).toMatchObject({ succeeded: false, revision: 4, results: [{ key: 'leader', value: 'me' }] });
});

test('a store in a folder is there again after it was closed', async () => {
  const folder = temporaryFolder();
  {
    await using kv = await open(folder);
    await kv.put('a', '1');
    await kv.put('a', '2');
  }
  await using kv = await open(folder);
  expect(kv.revision).toBe(3);
  expect((await kv.get('a'))?.value).toBe('2');
  expect((await kv.at(2).get('a'))?.value).toBe('1');
});
