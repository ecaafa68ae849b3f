/** Rows that ask for a medium: what a copy, a killed process or a process without descriptors leaves (B3, B7, B8, R18, R32). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { openBolt } from '@varve/bolt';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fileEngine } from '../src/engines/file/index.ts';
import { buckets, openBackend } from '../src/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { killed, temporaryPath } from './file-support.ts';
import { b, byHand, create, read, scan, turns, write } from './helpers.ts';
import { photograph } from './level-support.ts';

const CHILD = join(import.meta.dirname, 'durable-child.mjs');
const { test: t } = buckets;

const kinds = [
  ['file', fileEngine],
  ['level', levelEngine],
] as const;

/** What the child says; it ends with the test at the latest. */
function child(...args: string[]): { readonly process: ReturnType<typeof spawn>; readonly line: Promise<string> } {
  const started = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void started.kill('SIGKILL'));
  return {
    process: started,
    line: once(createInterface({ input: started.stdout }), 'line').then(([line]) => line as string),
  };
}

describe.each(kinds)('%s', (kind, engine) => {
  test('B3 limit 1: a section is on the medium when it has ended, in a copy of the store as well', async () => {
    const path = temporaryPath();
    await using backend = await openBackend(await engine(path), { ...byHand, batchLimit: 1 });
    create(backend, t);
    write(backend, t, { foo: 'bar' });
    while (backend.commits === 0) await turns(); // both end in the same tick, and share it
    const copy = `${path}-copy`;
    fs.cpSync(path, copy, { recursive: true });
    await using copied = await openBackend(await engine(copy), byHand);
    expect(await scan(copied, t)).toEqual(['foo=bar']);
  });

  test('B7 nothing pending: forceCommit does not touch the medium', async () => {
    const path = temporaryPath();
    await using backend = await openBackend(await engine(path), byHand);
    create(backend, t);
    await backend.forceCommit();
    const before = photograph(dirname(path));
    await backend.forceCommit();
    backend.batchTx((tx) => tx.createBucket(t));
    await backend.forceCommit();
    expect(photograph(dirname(path))).toEqual(before);
  });

  test('B8 a killed process leaves what forceCommit resolved for, not what was only finished, and opens cleanly', async () => {
    const path = temporaryPath();
    const { process: writer, line } = child('finish', kind, path);
    expect(await line).toBe('finished');
    await killed(writer);
    await using backend = await openBackend(await engine(path), byHand);
    expect(await scan(backend, t)).toEqual(['committed=1']);
    expect(backend.warnings).toEqual([]);
  });

  test('R32 without a descriptor left commits and defrags work or are BACKEND_FAILED; what was acknowledged stays', async () => {
    const path = temporaryPath();
    const { process: writer, line } = child('starve', kind, path);
    const said = JSON.parse(await line) as Record<'acked' | 'ackedThen' | 'seen' | 'left', number> &
      Record<'starved' | 'later', unknown[]>;
    if (writer.exitCode === null) await once(writer, 'exit');
    expect(said.starved).toEqual([[expect.stringMatching(/commit|defrag/), 'BACKEND_FAILED', 'EMFILE']]);
    // A file needs no other one to commit; LevelDB may, and then its writer has ended.
    if (kind === 'file') expect([said.later, said.seen]).toEqual([[], said.ackedThen]);
    expect(said.seen).toBeGreaterThanOrEqual(said.ackedThen);
    expect(said.left).toBe(0);
    await using backend = await openBackend(await engine(path), byHand);
    const found = await scan(backend, t);
    expect(found.length).toBeGreaterThanOrEqual(said.acked);
    expect(found.length).toBeLessThanOrEqual(said.acked + 1);
    write(backend, t, { again: '1' });
    await backend.forceCommit();
    expect(read(backend, t, 'again')).toBe('1');
  });

  test('R18 a second copy of the package in one process finds the store locked', async () => {
    const path = temporaryPath();
    const held = await engine(path);
    vi.resetModules();
    const other =
      kind === 'file'
        ? (await import('../src/engines/file/index.ts')).fileEngine
        : (await import('../src/engines/level/index.ts')).levelEngine;
    expect(other).not.toBe(engine);
    await expect(other(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await held.commit([{ type: 'createBucket', bucket: t }]);
    await held.close();
    const again = await other(path);
    expect(again.buckets()).toEqual(['test']);
    await expect(engine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await again.close();
  });
});

test('R18 what keeps a second copy out of a LevelDB folder is a list that all copies share', async () => {
  // LevelDB's own list would do here, but not between two copies of classic-level, whose locks are one process's.
  const first = await import('../src/engines/level/opening/claim.ts');
  vi.resetModules();
  const second = await import('../src/engines/level/opening/claim.ts');
  expect(second.claim).not.toBe(first.claim);
  const release = first.claim('1:4711', '/a');
  expect(() => second.claim('1:4711', '/b')).toThrow(expect.objectContaining({ code: 'BACKEND_LOCKED' }) as Error);
  release();
  second.claim('1:4711', '/b')();
});

test('B40 after a defrag the file is what it was opened as: checked, locked, and of the same page size', async () => {
  const path = temporaryPath();
  const backend = await openBackend(await fileEngine(path), byHand);
  create(backend, t, buckets.alarm);
  for (let i = 0; i < 300; i += 1) write(backend, t, { [`k${i}`]: 'v'.repeat(100) });
  await backend.defrag();
  await expect(fileEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
  write(backend, t, { more: b('x').length.toString() });
  await backend.close();
  await using bolt = await openBolt(path, { readOnly: true });
  const { problems, unsealedRuns } = await bolt.check();
  expect({ problems, unsealedRuns, pageSize: bolt.pageSize }).toEqual({
    problems: [],
    unsealedRuns: 0,
    pageSize: 4096,
  });
  expect(bolt.sealedSince).toBeGreaterThan(0);
});
