import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { replay } from '../lib/replay.mjs';

const traces = fileURLToPath(new URL('../../vectors/traces/storage/', import.meta.url));
const program = fileURLToPath(new URL('../replay.mjs', import.meta.url));

const corners = fileURLToPath(new URL('../../vectors/traces/corners/', import.meta.url));
const recordings = readdirSync(traces).filter((name) => name.endsWith('.gz'));

test.each(recordings.flatMap((name) => ['memory', 'level'].map((engine) => [name, engine] as const)))(
  'laws 2, 4, 6: %s on %s answers as etcd did',
  async (name, engine) => {
    const mismatches: unknown[] = [];
    const { equal, total } = await replay(join(traces, name), engine, (mismatch) => mismatches.push(mismatch));
    expect(mismatches).toEqual([]);
    expect([equal, total > 1000]).toEqual([total, true]);
  },
);

test.each(['memory', 'level', 'file', 'log'])(
  'XF4: on %s a watcher hears of a deletion at the compacted revision, which etcd before 3.4.34 dropped',
  async (engine) => {
    const mismatches: unknown[] = [];
    const file = join(corners, 'deletion-at-compaction.jsonl');
    const { equal, total, corners: known } = await replay(file, engine, (mismatch) => mismatches.push(mismatch));
    expect(mismatches).toEqual([]);
    expect([equal, Object.fromEntries(known)]).toEqual([
      total,
      { 'deletion at a compacted revision': 2, 'hash of a compacted revision': 1 },
    ]);
  },
);

test('XF4: nothing else is excused by that corner', async () => {
  const lines = readFileSync(join(corners, 'deletion-at-compaction.jsonl'), 'utf8').trimEnd().split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'varve-trace-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'trace.jsonl');
  /** The operations that differ when one line of the recording was another. */
  const wrong = async (op: string, from: string, to: string): Promise<string[]> => {
    const found: string[] = [];
    const text = lines.map((line, i) => (i === 0 || line.includes(`"op":"${op}"`) ? line.replace(from, to) : line));
    writeFileSync(file, text.join('\n'));
    await replay(file, 'memory', (mismatch) => found.push(mismatch.op));
    return found;
  };
  // An etcd that had mended it; a put that is missing; a deletion that is missing where nothing was compacted.
  expect(await wrong('none', '3.4.23', '3.4.34')).toEqual(['sync', 'sync']);
  expect(
    await wrong('sync', '{"kv":{"key":"d","createRevision":11,"modRevision":11,"version":1,"value":"1"}},', ''),
  ).toEqual(['sync']);
  const deletion = '{"type":1,"kv":{"key":"a","modRevision":6}';
  expect(lines.filter((line) => line.includes(deletion))).toHaveLength(1);
  expect(await wrong('sync', deletion, '{"type":1,"kv":{"key":"a","modRevision":5}')).toEqual(['sync']);
});

test('the program prints what differs, and how many do not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-trace-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'trace.jsonl');
  const lines = [
    { trace: 1, level: 'storage', ops: 3 },
    { i: 0, op: 'put', key: 'a', value: '1', res: { rev: 2, prev: null } },
    { i: 1, op: 'range', key: 'a', res: { rev: 2, count: 2 } },
    { i: 2, op: 'hash', rev: 9, err: 'compacted' },
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  const wrong = run(file);
  expect([wrong.status, wrong.stdout]).toEqual([
    1,
    '1 range res.count: want 2 got 1\n2 hash err: want "compacted" got "future"\n1 of 3 ops equal\n',
  ]);
  writeFileSync(
    file,
    lines
      .slice(0, 2)
      .map((line) => JSON.stringify(line))
      .join('\n'),
  );
  const right = run(file, '--engine', 'memory');
  expect([right.status, right.stdout]).toEqual([0, '1 of 1 ops equal\n']);
  expect(run(file, '--engine', 'paper').status).toBe(2);
});
