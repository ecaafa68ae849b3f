/** A small run of the program that gives decoders what means them harm, and proof that it would see what it looks for. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runTarget } from '../lib/run-target.mjs';
import type { Target } from '../lib/target.mjs';
import { targets } from '../lib/targets.mjs';

const isLarge = process.env['VARVE_LARGE'] === '1';
const slow: ReadonlySet<string> = new Set(['sockets', 'bolt', 'log']);

describe('R19, R97, R116: what strangers send', () => {
  test.each(Object.keys(targets))('%s: read, or refused with a type; nothing crashes, nobody waits', async (name) => {
    const target = await targets[name]!();
    onTestFinished(() => target.close());
    const most = (slow.has(name) ? 60 : 200) * (isLarge ? 20 : 1);
    const outcome = await runTarget(target, { untilMs: Infinity, seed: 1, most });
    expect(outcome.faults).toEqual([]);
    expect([outcome.inputs, outcome.outcomes.size > 1]).toEqual([most, true]);
  });
});

describe('the program sees', () => {
  const made = (run: Target['run']): Target => ({
    name: 'made up',
    weight: 1,
    inputs: fc.nat(),
    run,
    close: async () => undefined,
  });
  const bounds = { untilMs: Infinity, seed: 1, most: 200 };

  test('an error without a type, with what makes it again', async () => {
    const { faults } = await runTarget(
      made(async (input) => {
        if (Number(input) > 5) throw new TypeError('x is undefined');
        return 'read';
      }),
      { ...bounds, untilMs: 0 },
    );
    expect(faults[0]).toMatch(/^seed 1, path [0-9:]+: \[6\]\nTypeError: x is undefined/);
  });

  test('what was not awaited', async () => {
    const { faults } = await runTarget(
      {
        ...made(async () => {
          void Promise.reject(new Error('lost'));
          return 'read';
        }),
        check: () => new Promise((resolve) => setImmediate(resolve)),
      },
      { ...bounds, most: 1 },
    );
    expect(faults[0]).toMatch(/not awaited: Error: lost/);
  });

  test('what is kept', async () => {
    const kept: Buffer[] = [];
    const { grownBytes } = await runTarget(
      made(async () => {
        kept.push(Buffer.alloc(10_000));
        return 'read';
      }),
      { ...bounds, most: 1000 },
    );
    expect(grownBytes).toBeGreaterThan(5_000_000);
  });
});
