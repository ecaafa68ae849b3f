/** The cache: kept until changed, never older than the last event, and of no effect while nobody follows. */
import { memory, open, type EmbeddedKv } from '@varve/kv';
import { expect, test } from 'vitest';
import { Cache } from '../src/cache.ts';
import { until } from './helpers.ts';

/** A cache that is following, and how to end that. */
async function following(kv: EmbeddedKv): Promise<{ cache: Cache<string>; stop: () => Promise<void> }> {
  const cache = new Cache(kv);
  const end = new AbortController();
  const done = cache.follow(end.signal);
  // Kept reads are one and the same promise.
  await until('the cache keeps reads', () => cache.get('warm') === cache.get('warm'));
  return {
    cache,
    stop: () => {
      end.abort();
      return done;
    },
  };
}

test('a read is kept until somebody changes the key', async () => {
  await using kv = await open(memory());
  await kv.put('a', '1');
  const { cache, stop } = await following(kv);
  const read = cache.get('a');
  expect((await read)?.value).toBe('1');
  expect(cache.get('a')).toBe(read);

  await kv.put('b', 'x'); // another key
  expect(cache.get('a')).toBe(read);
  await kv.put('a', '2'); // somebody else, who knows of no cache
  await until('the new value', async () => (await cache.get('a'))?.value === '2');
  await kv.delete('a');
  await until('the deletion', async () => (await cache.get('a')) === undefined);
  await stop();
});

test('who writes through the cache reads what it wrote, in the same turn', async () => {
  await using kv = await open(memory());
  const { cache, stop } = await following(kv);
  for (let i = 0; i < 100; i++) {
    await cache.get('a');
    await cache.put('a', String(i));
    expect((await cache.get('a'))?.value).toBe(String(i));
  }
  await stop();
});

test('CCH2: a change that comes during a read takes the read out', async () => {
  await using kv = await open(memory());
  await kv.put('a', '0');
  const { cache, stop } = await following(kv);
  for (let i = 1; i <= 50; i++) {
    const writing = kv.put('a', String(i));
    const read = cache.get('a'); // of before the put or after it
    await writing;
    await read;
    await until('the new value', async () => (await cache.get('a'))?.value === String(i));
  }
  await stop();
});

test('CCH3: nothing is kept before it follows, nor after', async () => {
  await using kv = await open(memory());
  const idle = new Cache(kv);
  expect(idle.get('a')).not.toBe(idle.get('a'));
  const { cache, stop } = await following(kv);
  const kept = cache.get('a');
  await stop();
  expect(cache.get('a')).not.toBe(kept);
  await kv.put('a', '1');
  expect((await cache.get('a'))?.value).toBe('1');
});

test('nothing grows without bound: when it is full it begins anew', async () => {
  await using kv = await open(memory());
  const { cache, stop } = await following(kv);
  const first = cache.get('first');
  for (let i = 0; i < 10_000; i++) void cache.get(`k${i}`);
  expect(cache.get('first')).not.toBe(first);
  const last = cache.get('k9999');
  expect(cache.get('k9999')).toBe(last);
  await stop();
});

test('a read that fails is not kept', async () => {
  await using kv = await open(memory());
  const { cache, stop } = await following(kv);
  await expect(cache.get('')).rejects.toMatchObject({ code: 'KV_INVALID' });
  const [one, two] = [cache.get(''), cache.get('')];
  await expect(one).rejects.toMatchObject({ code: 'KV_INVALID' });
  await expect(two).rejects.toMatchObject({ code: 'KV_INVALID' });
  await until('another read', async () => {
    const again = cache.get('');
    await again.catch(() => undefined);
    return again !== one;
  });
  await stop();
});

test('closing the store ends it without an error', async () => {
  const kv = await open(memory());
  const cache = new Cache(kv);
  const done = cache.follow(new AbortController().signal);
  await until('the cache keeps reads', () => cache.get('a') === cache.get('a'));
  await kv.close();
  await done;
});
