/** The limit holds for calls at once, and a window ends although it is used. */
import { json, memory, open, type EmbeddedKv } from '@varve/kv';
import { expect, test } from 'vitest';
import { take } from '../src/rate-limiter.ts';
import { until } from './helpers.ts';

const openCounts = (): Promise<EmbeddedKv<string, number>> => open<string, number>(memory(), { value: json<number>() });

test('RLM2: of many calls at once the limit is let through, of each caller for itself', async () => {
  await using counts = await openCounts();
  const began = performance.now();
  const verdicts = await Promise.all(Array.from({ length: 20 }, () => take(counts, 'ann', 5, 100)));
  expect(verdicts.filter(({ allowed }) => allowed).map(({ left }) => left)).toEqual([4, 3, 2, 1, 0]);
  const left = 100 - (performance.now() - began) / 1000;
  for (const { allowed, retryAfter = 0 } of verdicts) {
    if (!allowed) expect(retryAfter <= 100 && retryAfter >= Math.floor(left)).toBe(true);
  }
  expect(await take(counts, 'bob', 5, 100)).toEqual({ allowed: true, left: 4 });
});

test('RLM1: a window that is used all the time ends all the same, and a new one begins', async () => {
  await using counts = await openCounts();
  const began = performance.now();
  let revision = 0;
  await take(counts, 'ann', 2, 1);
  await until('a new window', async () => {
    const { allowed } = await take(counts, 'ann', 2, 1);
    if (!allowed) revision = counts.revision;
    return allowed && revision > 0;
  });
  expect(performance.now() - began).toBeGreaterThan(990);
});

test('RLM3: a call that is refused makes no revision', async () => {
  await using counts = await openCounts();
  await take(counts, 'ann', 1, 100);
  const { revision } = counts;
  for (let i = 0; i < 10; i++) expect((await take(counts, 'ann', 1, 100)).allowed).toBe(false);
  expect(counts.revision).toBe(revision);
});
