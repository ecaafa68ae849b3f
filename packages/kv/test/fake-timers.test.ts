/** B3: a test that replaces timers, clocks and turns after the import replaces its own, and no call of a store hangs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { memory, open } from '../src/index.ts';

const child = fileURLToPath(new URL('fake-timers-child.mjs', import.meta.url));

test.each(
  ['memory', 'level', 'log', 'file'].flatMap((name) => [[name, 'commit'] as const, [name, 'interval'] as const]),
)('XB3: with nothing but fakes, %s works to its end, durability %s', (name, how) => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-fakes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { stdout, stderr, status } = spawnSync(process.execPath, [child, name, join(folder, 'db'), how], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect([status, stdout.trim(), stderr]).toEqual([
    0,
    'put, get, watch 1501, list 1501, compact, defrag, hash, close',
    '',
  ]);
});

afterEach(() => {
  vi.useRealTimers();
});

test('XB3: vitest’s fake timers, all that it can replace here', async () => {
  const kv = await open(memory());
  vi.useFakeTimers({
    toFake: ['setTimeout', 'setInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'performance', 'Date'],
  });
  await kv.put('a', '1');
  const watch = kv.watch('a', { from: 1 });
  for await (const event of watch) {
    expect(event.key).toBe('a');
    break;
  }
  await kv.compact(2, { physical: true });
  await kv.close();
});
