import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { replay } from '../lib/replay.mjs';

const traces = fileURLToPath(new URL('../../vectors/traces/storage/', import.meta.url));
const program = fileURLToPath(new URL('../replay.mjs', import.meta.url));

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
