import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeFolders } from '../src/node/real-folders.ts';

test('R9: close of a file waits for the calls that are under way, whichever they are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-folders-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'file');
  const bytes = new Uint8Array(1 << 20).fill(7);
  const writer = await nodeFolders.open(path, 'create-durable');
  const writing = writer.write([bytes, bytes], 0);
  const closed = writer.close();
  expect(await writing).toBe(2 * bytes.length);
  await closed;
  for (let round = 0; round < 5; round += 1) {
    const reader = nodeFolders.openNow(path);
    const targets = Array.from({ length: 4 }, () => new Uint8Array(bytes.length));
    const reading = targets.map((target, i) => reader.readLater(target, i));
    // Behind the end: a second call to the system tells that there is no more.
    const behind = reader.readLater(new Uint8Array(bytes.length), 2 * bytes.length - 5);
    const closing = reader.close();
    expect(await Promise.all(reading)).toEqual(targets.map(() => bytes.length));
    expect(await behind).toBe(5);
    await closing;
    expect(targets.every((target) => Buffer.compare(target, bytes) === 0)).toBe(true);
  }
});
