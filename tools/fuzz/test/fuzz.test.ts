/** A small run of the program that opens hostile stores, and proof that it would see what it looks for. */
import { appendFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { campaign } from '../lib/campaign.mjs';
import { lookAtCanaries, placeCanaries } from '../lib/canaries.mjs';
import { makeShape } from '../lib/bolt-shapes.mjs';
import { Random } from '../../run/random.mjs';
import { writeFile } from '../lib/sparse-file.mjs';
import { WatchedChild } from '../lib/watched-child.mjs';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-fuzz-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe.skipIf(process.platform !== 'linux')('E1 to E5, E8: hostile structure', () => {
  test.each(['bolt', 'snapshot', 'level'] as const)(
    'thirty made files of the kind %s: an answer or a code in time, within memory, nothing outside touched',
    async (kind) => {
      const { faults, outcomes } = await campaign(kind, 30, 1, () => {});
      expect(faults).toEqual([]);
      expect(outcomes.get('answered')).toBeGreaterThan(10);
      // A LevelDB folder is looked at as a whole before it opens, so damage has one code there.
      if (kind === 'level') expect([...outcomes.keys()]).toContain('BACKEND_CORRUPT');
      else expect(outcomes.size).toBeGreaterThan(2);
    },
  );

  test.each([
    ['time', 0, 512 << 20, /no answer after/],
    ['memory', 3000, 1, /bytes of memory/],
  ])('a process that takes too much %s is ended and named', async (_, limitMs, growth, about) => {
    const folder = temporaryFolder();
    const path = join(folder, 'hostile');
    writeFile(path, makeShape(new Random(3)).file);
    const child = new WatchedChild(limitMs, growth);
    onTestFinished(() => child.end());
    const { fault } = await child.run({ kind: 'bolt', folder, path }, 0);
    expect(fault).toMatch(about);
  });

  test('a change outside of the folder is seen, through a link as well', () => {
    const folder = temporaryFolder();
    const outside = join(folder, 'outside');
    placeCanaries(outside);
    const before = lookAtCanaries(outside);
    expect(lookAtCanaries(outside)).toBe(before);
    symlinkSync(join(outside, 'file'), join(folder, 'link'));
    appendFileSync(join(folder, 'link'), 'x');
    expect(lookAtCanaries(outside)).not.toBe(before);
  });

  test('the same seed makes the same file', () => {
    for (const seed of [1, 2, 3]) expect(makeShape(new Random(seed))).toEqual(makeShape(new Random(seed)));
  });
});
