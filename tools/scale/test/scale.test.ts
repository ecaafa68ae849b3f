/** SCB2, SPX1, SSM1: the same seed gives the same figures, and they go the way they must. */
import { expect, test } from 'vitest';
import { mostWrites, simulate } from '../lib/cluster.mjs';
import { crossing, popularity, shares } from '../lib/split.mjs';

const costs = { putUs: 100, getUs: 150, eventUs: 10, roundUs: 2000, cores: 4 };
const run = { seed: 3, seconds: 0.5 };

test('SCB2: a seed gives one run, another seed another one', () => {
  const load = { writes: 2000, reads: 1000, watchers: 3 };
  expect(simulate(costs, load, run)).toEqual(simulate(costs, load, run));
  expect(simulate(costs, load, run)).not.toEqual(simulate(costs, load, { ...run, seed: 4 }));
});

test('SCB1: an idle member answers after a round, a busy one late, and its processor is used as much as it was asked', () => {
  const idle = simulate(costs, { writes: 20, reads: 0, watchers: 0 }, { ...run, seconds: 5 });
  expect(idle.putMs).toBeGreaterThan(1.5);
  expect(idle.putMs).toBeLessThan(6);
  const half = simulate(costs, { writes: 10_000, reads: 0, watchers: 10 }, run);
  expect(half.busy).toBeCloseTo((10_000 * (100 + 100)) / 4e6, 1);
  const over = simulate(costs, { writes: 60_000, reads: 0, watchers: 0 }, run);
  expect(over.putMs).toBeGreaterThan(100);
});

test('SCB1: watchers and reads take from the writes', () => {
  const most = (reads: number, watchers: number): number =>
    mostWrites(costs, (writes) => ({ writes, reads: writes * reads, watchers }), {
      seed: 3,
      seconds: 0.25,
      withinMs: 50,
    });
  const alone = most(0, 0);
  expect(alone).toBeGreaterThan(20_000);
  expect(alone).toBeLessThan(48_000);
  expect(most(3, 0)).toBeLessThan(alone / 2);
  expect(most(0, 100)).toBeLessThan(alone / 5);
});

test('SPX1: shares are of the whole, the hottest prefix cannot be split, and unrelated keys meet as often as chance has it', () => {
  const even = shares(popularity(64, 0), 4);
  expect(even.map((part) => Math.round(part * 100))).toEqual([25, 25, 25, 25]);
  expect(crossing(even)).toBeCloseTo(0.75);
  const skewed = popularity(64, 1);
  expect(Math.max(...shares(skewed, 16))).toBe(skewed[0]);
  expect(shares(skewed, 16).reduce((a, b) => a + b)).toBeCloseTo(1);
});
