/** A3 and A10 through the facade: an engine has one store, and a program that ends by itself keeps what it was answered. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '@varve/backend';
import { describe, expect, onTestFinished, test } from 'vitest';
import { file, level, log, memory, open } from '../src/index.ts';

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-owner-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'db');
}

const kinds: readonly (readonly [name: string, make: (path: string) => Engine | Promise<Engine>])[] = [
  ['memory', () => memory()],
  ['level', (path) => level(path)],
  ['log', (path) => log(path)],
  ['file', (path) => file(path)],
];

test.each(kinds)(
  'XA3: the second open of one engine is BACKEND_LOCKED, and the first keeps everything: %s',
  async (name, make) => {
    const path = newPath();
    const engine = await make(path);
    const first = await open(engine);
    await first.put('a', '1');
    await expect(open(engine)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
    await expect(open(engine, { batchLimit: -1 })).rejects.toMatchObject({ code: 'KV_INVALID' });
    await expect(open(engine, { nonsense: 1 } as never)).rejects.toMatchObject({ code: 'KV_INVALID' });
    await first.put('b', '2');
    await first.close();
    await expect(open(engine)).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
    if (name === 'memory') return;
    const again = await open(make(path) as Promise<Engine>);
    expect([(await again.get('a'))?.value, (await again.get('b'))?.value]).toEqual(['1', '2']);
    await again.close();
  },
);

describe.each([
  ['level', level],
  ['log', log],
  ['file', file],
] as const)('%s', (name, make) => {
  test('XA10: durability interval, ended without close: every answered put is there', async () => {
    const path = newPath();
    const child = fileURLToPath(new URL('ends-by-itself-child.mjs', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [child, name, path], {
      encoding: 'utf8',
      timeout: 100_000,
    });
    expect([status, stdout.trim()]).toEqual([0, '11']);
    const kv = await open(make(path));
    expect([kv.revision, await kv.count({})]).toEqual([11, 10]);
    await kv.close();
  });
});
