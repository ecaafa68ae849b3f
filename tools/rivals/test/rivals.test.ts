/** A2: rivals for one store, in containers of their own, with and without flock(1). The long form is `rivals.mjs`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { playRound, whyNotIsolated } from '../lib/round.mjs';
import { overlaps, readStory } from '../lib/story.mjs';

const rounds = process.env['VARVE_LARGE'] === '1' ? 100 : 3;
const why = whyNotIsolated();

describe.each(['file', 'level', 'log'] as const)('%s', (engine) => {
  test(`XA2: ${rounds} rounds, ${why === undefined ? 'isolated' : 'plain processes'}: never two holders, no acknowledged write lost`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'varve-rivals-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (let round = 0; round < rounds; round++) {
      const { problems, turns } = await playRound({ engine, folder, round, isolate: why === undefined });
      expect(problems).toEqual([]);
      expect(turns).toBeGreaterThan(round);
    }
  });
});

if (why !== undefined) {
  test.skipIf(why !== undefined)(`isolation was left out: ${why}`, () => expect(why).toBe(undefined));
}

describe('the judge', () => {
  const log = (times: readonly number[]): string =>
    `a begin ${times[0]}\na ack a/1/0 x ${times[1]}\nb begin ${times[2]}\na end ${times[1]}\nb ack b/1/0 y ${times[3]}\n`;

  test('XA2: one after the other is right, an overlap is not, with whatever order of lines', () => {
    expect(overlaps(readStory(log([1, 5, 6, 9])).turns)).toEqual([]);
    expect(overlaps(readStory(log([1, 7, 6, 9])).turns)).toEqual(['b had it while a did']);
    expect(overlaps(readStory(log([6, 7, 1, 9])).turns)).toEqual(['a had it while b did']);
  });

  test('XA2: what was acknowledged is remembered', () => {
    expect([...readStory(log([1, 5, 6, 9])).acknowledged]).toEqual([
      ['a/1/0', 'x'],
      ['b/1/0', 'y'],
    ]);
  });
});
