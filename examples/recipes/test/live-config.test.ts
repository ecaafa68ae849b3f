/** Live configuration: whole states only, no gap, and on its feet again after a compaction. */
import { once } from 'node:events';
import { memory, open, put, remove } from '@varve/kv';
import { expect, test } from 'vitest';
import { followConfig, type Config } from '../src/live-config.ts';
import { until } from './helpers.ts';

const plain = (config: Config | undefined): unknown => Object.fromEntries(config ?? []);

test('LCF1, LCF2: what is there comes at once, and what one transaction changes comes as one', async () => {
  await using kv = await open(memory());
  await kv.put('config/host', 'a');
  await kv.put('config/port', '1');
  const seen: Config[] = [];
  const stop = new AbortController();
  const following = followConfig(kv, 'config/', stop.signal, (config) => void seen.push(config));
  // No wait in between: the watch begins with the call.
  await kv.txn({ then: [put('config/host', 'b'), put('config/port', '2')] });
  await kv.put('other', 'x');
  await kv.txn({ then: [remove('config/port'), put('config/user', 'me')] });

  await until('three states', () => seen.length >= 3);
  expect(seen.map(plain)).toEqual([
    { 'config/host': 'a', 'config/port': '1' },
    { 'config/host': 'b', 'config/port': '2' },
    { 'config/host': 'b', 'config/user': 'me' },
  ]);
  stop.abort();
  await following;
});

test('LCF1: an empty configuration is a state, too', async () => {
  await using kv = await open(memory());
  const seen: Config[] = [];
  const following = followConfig(kv, 'config/', new AbortController().signal, (config) => void seen.push(config));
  await until('the first state', () => seen.length > 0);
  expect(seen.map(plain)).toEqual([{}]);
  await kv.close();
  await following;
});

test('LCF3: who was too slow begins again, without what was deleted meanwhile', async () => {
  await using kv = await open(memory());
  await kv.put('config/gone', 'x');
  const changes = 5000;
  const seen: Config[] = [];
  const release = new AbortController();
  const stop = new AbortController();
  const following = followConfig(kv, 'config/', stop.signal, async (config) => {
    seen.push(config);
    if (!release.signal.aborted) await once(release.signal, 'abort');
  });
  await until('the first state', () => seen.length === 1);
  const writes = Array.from({ length: changes }, (_, i) => kv.put('config/count', String(i)));
  await Promise.all(writes);
  await kv.delete('config/gone');
  await kv.compact(kv.revision, { physical: true });
  release.abort();

  await until('the last state', () => seen.at(-1)?.has('config/gone') === false);
  expect(plain(seen.at(-1))).toEqual({ 'config/count': String(changes - 1) });
  expect(seen.length).toBeLessThan(changes); // it has not seen each change
  stop.abort();
  await following;
});

test('what apply throws ends it', async () => {
  await using kv = await open(memory());
  const signal = new AbortController().signal;
  const broken = (): never => {
    throw new Error('no such port');
  };
  await expect(followConfig(kv, 'config/', signal, broken)).rejects.toThrow('no such port');
});
