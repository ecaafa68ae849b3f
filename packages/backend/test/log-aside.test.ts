/** The files beside a log store, on a disk that loses, tears and fails. */
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { run } from '../src/engines/log/tools/cli.ts';
import { openBackend } from '../src/open/open-backend.ts';
import { temporaryPath } from './file-support.ts';
import { LogDisk, logEngineOn, seeded } from './log-disk.ts';
import { records, revision } from './log-support.ts';

const PATH = '/store';

async function* pieces(fill: number, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let i = 0; i < count; i++) yield new Uint8Array(1500).fill(fill);
}

async function contentOf(engine: Engine): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const piece of engine.aside!.read('index')) parts.push(piece);
  const whole = Buffer.concat(parts);
  return whole.length === 0 ? 'none' : `${whole.length} of ${[...new Set(whole)].join()}`;
}

test('G30 a crash at any call while a file beside the store is replaced leaves the old or the new one, whole', async () => {
  const first = new LogDisk();
  const engine = await logEngineOn(first, PATH);
  await engine.commit([
    { type: 'createBucket', bucket: records },
    { type: 'put', bucket: records, key: revision(1), value: Buffer.alloc(100, 9) },
  ]);
  await engine.aside!.replace('index', pieces(1, 3));
  await engine.close();
  const [old, renewed] = ['4500 of 1', '6000 of 2'];
  const seen = new Set<string>();
  let isDone = false;
  for (let call = 1; !isDone; call++) {
    for (const seed of [1, 2, 3]) {
      const disk = LogDisk.holding(first.files());
      const opened = await logEngineOn(disk, PATH);
      const crashAt = disk.ops + call;
      disk.before = ({ number }) => (number === crashAt ? 'crash' : undefined);
      let acknowledged = true;
      await opened.aside!.replace('index', pieces(2, 4)).catch(() => {
        acknowledged = false;
      });
      isDone = acknowledged;
      await opened.close().catch(() => undefined);
      for (const image of [disk.crash(seeded(seed)), disk.afterDeath()]) {
        const again = await logEngineOn(image, PATH);
        const found = await contentOf(again);
        expect([old, renewed], `call ${call}`).toContain(found);
        if (acknowledged) expect(found).toBe(renewed);
        expect(again.warnings).toEqual([]);
        expect(again.get(records, revision(1))).toHaveLength(100);
        await again.close();
        expect([...image.files().keys()].filter((name) => name.includes('temporary'))).toEqual([]);
        seen.add(found);
      }
    }
  }
  expect([...seen].toSorted()).toEqual([old, renewed]);
});

test('G30 a failed call leaves the old file, and the store goes on', async () => {
  for (const code of ['EIO', 'ENOSPC']) {
    for (let call = 1; call < 9; call++) {
      const disk = new LogDisk();
      const engine = await logEngineOn(disk, PATH);
      await engine.aside!.replace('index', pieces(1, 1));
      const failAt = disk.ops + call;
      disk.before = ({ number }) => (number === failAt ? code : undefined);
      const outcome = await engine.aside!.replace('index', pieces(2, 2)).catch((error: unknown) => error);
      disk.before = () => undefined;
      // Once it has its name, only how long that lasts is not known.
      if (outcome === undefined) expect(await contentOf(engine)).toBe('3000 of 2');
      else expect(['1500 of 1', '3000 of 2']).toContain(await contentOf(engine));
      await engine.commit([{ type: 'createBucket', bucket: records }]);
      await engine.aside!.replace('index', pieces(3, 1));
      expect(await contentOf(engine)).toBe('1500 of 3');
      await engine.close();
    }
  }
});

test('G30 cleaning and read-only opens leave files beside the store alone, and varve-log tells of them', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path, { segmentBytes: 4096 });
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  await engine.aside!.replace('index', pieces(7, 2));
  for (let n = 1; n < 60; n++)
    await engine.commit([{ type: 'put', bucket: records, key: revision(n), value: Buffer.alloc(500, n) }]);
  await engine.commit(
    Array.from({ length: 50 }, (_, n) => ({ type: 'delete' as const, bucket: records, key: revision(n + 1) })),
  );
  await engine.compact();
  expect(await contentOf(engine)).toBe('3000 of 7');
  await engine.close();
  const reading = await logEngine(path, { readOnly: true });
  expect(await contentOf(reading)).toBe('3000 of 7');
  await expect(reading.aside!.replace('index', pieces(8, 1))).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' });
  await expect(reading.aside!.remove('index')).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' });
  await reading.close();
  let out = '';
  const output = { out: async (text: string) => void (out += text), error: () => undefined };
  expect(await run(['check', path], output)).toBe(0);
  expect(await run(['stats', path], output)).toBe(0);
  expect(out.match(/^beside it index\.aside: 3000 bytes$/gm)).toHaveLength(2);
  // A name of the store's that is no plain file is none (G2).
  fs.mkdirSync(join(path, 'other.aside'));
  await expect(logEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
});

test('G30 G32 engines without the port say so, and a Backend over them too', async () => {
  const { memoryEngine } = await import('../src/engines/memory.ts');
  const backend = await openBackend(memoryEngine());
  expect(backend.aside).toBeUndefined();
  await backend.close();
});
