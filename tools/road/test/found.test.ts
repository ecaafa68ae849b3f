/** What the two tools look for is found when it is there: mistakes of every kind that they count. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytes, memory, open } from '@varve/kv';
import { expect, test } from 'vitest';
import { grow } from '../lib/history.mjs';
import { checkGoesOn, checkSameHistory } from '../lib/same-history.mjs';
import { difference, tornRevisions, versionsAfter } from '../lib/story.mjs';

const change = (key: string, value: string | undefined, revision: number) => ({ key, value, revision });
const source = [change('a', '1', 10), change('b', '1', 11), change('c', '1', 11), change('a', undefined, 12)];
/** As a mirror may write it: two revisions in one transaction. */
const target = [change('a', '1', 5), change('b', '1', 5), change('c', '1', 5), change('a', undefined, 6)];

test('decisions/0044: a change that is lost, doubled, another one or out of its place is named', () => {
  expect(difference(source, target)).toBeUndefined();
  expect(difference(source, target.slice(0, 3))).toBe('change 4 is a deleted at 12 and missing');
  expect(difference(source, target.toSpliced(1, 1))).toContain('change 2 is b 1 at 11 and c 1 at 5');
  expect(difference(source, target.toSpliced(1, 0, change('a', '1', 5)))).toContain('change 2');
  expect(difference(source, target.with(1, change('b', '2', 5)))).toContain('change 2');
  expect(difference(source, [target[1]!, target[0]!, ...target.slice(2)])).toContain('change 1');
});

test('decisions/0044: a revision in more parts than it must be is counted, and versions are those that were written', () => {
  expect(tornRevisions(source, target, 30)).toBe(0);
  const torn = target.with(2, change('c', '1', 6));
  expect([tornRevisions(source, torn, 30), tornRevisions(source, torn, 1)]).toEqual([1, 0]);
  expect(versionsAfter(new Map([['b', 3]]), source)).toEqual(
    new Map([
      ['b', 4],
      ['c', 1],
    ]),
  );
});

test('law 6: a history that differs in one value, one lease or one compaction does not pass as the same', async () => {
  const codecs = { key: bytes, value: bytes };
  const folder = mkdtempSync(join(tmpdir(), 'varve-road-'));
  try {
    await using first = await open(memory(), codecs);
    await grow(first, { steps: 60, seed: 7 });
    const importFrom = join(folder, 'all.db');
    await first.backup(importFrom);
    const failed = async (harm: (kv: typeof first) => Promise<unknown>): Promise<readonly string[]> => {
      await using second = await open(memory(), { ...codecs, importFrom });
      await harm(second);
      const failures: string[] = [];
      const check = (what: string, holds: boolean): void => void (holds || failures.push(what.split(': ')[1]!));
      await checkSameHistory({ check }, 'it', first, second);
      await checkGoesOn({ check }, 'it', second);
      return failures;
    };
    expect(await failed(async () => undefined)).toEqual([]);
    expect(await failed((kv) => kv.lease({ ttl: 5000 }))).toEqual(['leases and their time']);
    const { revision, compactRevision = 0 } = await first.status();
    const notAsFar = ['the present revision and the compacted one'];
    expect(await failed((kv) => kv.put(Uint8Array.of(1), Uint8Array.of(1)))).toEqual(notAsFar);
    expect(await failed((kv) => kv.compact(compactRevision + 1))).toEqual(notAsFar);
    // The same revision, with another last change.
    await using other = await open(memory(), { ...codecs, importFrom });
    for (const kv of [first, other]) await kv.put(Uint8Array.of(9, 9), Uint8Array.of(kv === first ? 1 : 2));
    const failures: string[] = [];
    const check = (what: string, holds: boolean): void => void (holds || failures.push(what.split(': ')[1]!));
    await checkSameHistory({ check }, 'it', first, other);
    expect([(await other.status()).revision, failures]).toEqual([
      revision + 1,
      [
        'what each past revision holds, with versions and leases',
        'every change since, deletions too',
        'the hash of the history',
      ],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
