/** A10: a program that ends by itself has committed what it was answered, however long the interval. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { buckets, openBackend } from '../src/index.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath } from './file-support.ts';
import { byHand, create, read, scan, turns } from './helpers.ts';

const child = fileURLToPath(new URL('last-call-child.mjs', import.meta.url));

function run(name: string, path: string, how = 'once'): { status: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, name, path, how], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  return { status, out: stdout.trim(), error: stderr };
}

describe.each([
  ['level', levelEngine],
  ['log', logEngine],
  ['file', fileEngine],
] as const)('%s', (name, make) => {
  test('XA10, law 12: what was answered is there after a program that ends without close', async () => {
    const path = temporaryPath();
    expect(run(name, path)).toMatchObject({ status: 0, out: 'listeners 1' });
    await using backend = await openBackend(await make(path), byHand);
    expect(read(backend, buckets.test, 'a')).toBe('answered');
  });

  test('XA10: what is written when the program was about to end is there, too', async () => {
    const path = temporaryPath();
    expect(run(name, path, 'twice')).toMatchObject({ status: 0, out: 'listeners 0' });
    await using backend = await openBackend(await make(path), byHand);
    expect(await scan(backend, buckets.test)).toEqual(['a=answered', 'b=later']);
  });

  test('XA10: a commit that fails then ends the program with its error, not with success', () => {
    const { status, error } = run(name, temporaryPath(), 'failing');
    expect([status, error.includes('BACKEND_FAILED'), error.includes('the disk is gone')]).toEqual([1, true, true]);
  });
});

test('XA10: memory ends at once, with nothing to do', () => {
  expect(run('memory', '-')).toEqual({ status: 0, out: 'listeners 1', error: '' });
});

test('XA10: the process is asked for its end only while something is not committed, by one listener for all', async () => {
  const before = process.listenerCount('beforeExit');
  const listeners = (): number => process.listenerCount('beforeExit') - before;
  const backends = await Promise.all([1, 2, 3].map(() => openBackend(memoryEngine(), byHand)));
  expect(listeners()).toBe(0);
  for (const backend of backends) create(backend, buckets.test);
  await Promise.resolve();
  expect(listeners()).toBe(1);
  await Promise.all(backends.map((backend) => backend.forceCommit()));
  await turns();
  expect(listeners()).toBe(0);
  create(backends[0]!, buckets.key);
  await Promise.resolve();
  expect(listeners()).toBe(1);
  for (const backend of backends) await backend.close();
  expect(listeners()).toBe(0);
});
