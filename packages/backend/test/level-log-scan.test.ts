/** Our reading of LevelDB's logs against LevelDB's own writing of them (R66, law 7). */
import { ClassicLevel } from 'classic-level';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BatchSequence } from '../src/engines/level/opening/check-batch.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import { scanLog, type LogEnd } from '../src/engines/level/opening/check-log.ts';
import { readManifest } from '../src/engines/level/opening/manifest.ts';
import { findTableDamage } from '../src/engines/level/opening/check-table.ts';
import { temporaryPath } from './level-support.ts';

const BLOCK = 32_768;
const HEADER = 7;
/** Values that end a batch at every awkward distance from a block's end, and ones that span blocks. */
const lengths = [1, 100, 5000, 32_740, 1, 40_000, 7, 100_000, 32_768 - 44, 32_768 - 51, 3, 3, 65_000, 20];

let log: Buffer;
let ends: number[];

beforeAll(async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'varve-level-'));
  try {
    const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
    await level.open();
    ends = [];
    for (const [n, length] of lengths.entries()) {
      await level.batch().put(Uint8Array.of(n), new Uint8Array(length).fill(n)).write({ sync: true });
      ends.push(fs.statSync(join(folder, '000003.log')).size);
    }
    await level.close();
    log = fs.readFileSync(join(folder, '000003.log'));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

/** Files whose every file holds these bytes. */
function holding(bytes: Uint8Array): Files {
  const file = {
    size: bytes.length,
    async read(into: Uint8Array, position: number): Promise<number> {
      const found = bytes.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    },
    async close(): Promise<void> {},
  };
  return { ...nodeFiles, open: async () => file };
}

async function scan(bytes: Uint8Array): Promise<LogEnd & { readonly last: number }> {
  const sequence = new BatchSequence();
  return { ...(await scanLog(holding(bytes), 'the log', sequence)), last: sequence.last };
}

test('a whole log has every batch, and ends where LevelDB stopped', async () => {
  expect(await scan(log)).toEqual({
    goodLength: log.length,
    length: log.length,
    batches: lengths.length,
    bad: undefined,
    last: lengths.length,
  });
  expect(await scan(new Uint8Array())).toEqual({ goodLength: 0, length: 0, batches: 0, bad: undefined, last: 0 });
});

test('R66: cut anywhere, the batches before the cut are whole and the rest is torn', async () => {
  const cuts = [...ends.flatMap((end) => [end - 1, end, end + 1, end + HEADER]), ...[1, 2, 3, 4].map((n) => n * BLOCK)];
  for (const cut of cuts.filter((cut) => cut > 0 && cut <= log.length)) {
    const found = await scan(log.subarray(0, cut));
    const batches = ends.filter((end) => end <= cut).length;
    expect(found.batches, `cut at ${cut}`).toBe(batches);
    expect(found.bad?.torn ?? true, `cut at ${cut}`).toBe(true);
    expect(found.goodLength, `cut at ${cut}`).toBe(batches === 0 ? 0 : ends[batches - 1]);
  }
});

test('R66: a flipped byte anywhere is torn in the last batch and damage before it', async () => {
  const lastStart = ends.at(-2) as number;
  const places = new Set([
    ...ends.flatMap((end) => [end - 1, end + 3, end + 5, end + 6, end + 20]),
    ...Array(80).keys(),
  ]);
  for (const place of [...places].map((place) => (place < 80 ? Math.floor((place * log.length) / 80) : place))) {
    if (place >= log.length) continue;
    const bytes = Buffer.from(log);
    bytes[place] = (bytes[place] as number) ^ 0x10;
    const found = await scan(bytes);
    const isPadding = BLOCK - (place % BLOCK) < HEADER && found.bad === undefined;
    if (isPadding) continue;
    expect(found.bad, `flipped at ${place}`).toBeDefined();
    expect(found.bad?.torn, `flipped at ${place}`).toBe(place >= lastStart);
    expect(found.goodLength, `flipped at ${place}`).toBeLessThanOrEqual(place);
  }
});

test('R66: blocks that changed places are damage, although every checksum in them is right', async () => {
  const bytes = Buffer.from(log);
  const [one, other] = [4, 5].map((n) => Buffer.from(log.subarray(n * BLOCK, (n + 1) * BLOCK))) as [Buffer, Buffer];
  other.copy(bytes, 4 * BLOCK);
  one.copy(bytes, 5 * BLOCK);
  expect((await scan(bytes)).bad?.torn).toBe(false);
});

test('R66: a batch that repeats, or is missing, is damage', async () => {
  const first = log.subarray(0, ends[0]);
  expect((await scan(Buffer.concat([first, first]))).bad).toMatchObject({ torn: false, offset: first.length });
});

test('R22: a stored log in a batch that was torn is no later batch; a later batch with a lost one before it is', async () => {
  const folder = temporaryPath();
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
  await level.open();
  const size = (): number => fs.statSync(join(folder, '000003.log')).size;
  const put = (n: number, value: Uint8Array): Promise<void> =>
    level
      .batch()
      .put(Uint8Array.of(n, n, n), value)
      .write({ sync: true });
  for (let n = 0; n < 20; n++) await put(n, new Uint8Array(100));
  const stored = fs.readFileSync(join(folder, '000003.log'));
  const start = size();
  await put(20, Buffer.concat([new Uint8Array(600), stored])); // numbers that were there before
  await put(21, new Uint8Array(100));
  await level.close();
  const whole = fs.readFileSync(join(folder, '000003.log'));
  const end = start + 600 + stored.length;
  const torn = Buffer.from(whole).fill(0, start, start + 512);
  expect((await scan(torn.subarray(0, end))).bad).toMatchObject({ torn: true, offset: start });
  expect((await scan(torn)).bad).toMatchObject({ torn: false, offset: start });
  const later = Buffer.from(whole.subarray(0, start)).fill(0, 0, stored.length / 20); // the first of twenty is lost
  expect((await scan(later)).bad).toMatchObject({ torn: false, offset: 0 });
});

describe('MANIFEST and tables', () => {
  test('R69: the live files are those of the folder, with their lengths, through flushes and compactions', async () => {
    const folder = temporaryPath();
    const level = new ClassicLevel(folder, { writeBufferSize: 1 << 16, compression: false });
    for (let n = 0; n < 3000; n++) await level.put(`k${n % 700}`, 'x'.repeat(n % 500));
    await level.compactRange('a', 'z');
    await level.close();
    const current = fs.readFileSync(join(folder, 'CURRENT'), 'latin1').trim();
    const { manifest, end } = await readManifest(nodeFiles, join(folder, current));
    expect(end.bad).toBeUndefined();
    const tables = fs.readdirSync(folder).filter((name) => name.endsWith('.ldb'));
    expect([...manifest.tables.keys()].toSorted((a, b) => a - b)).toEqual(
      tables.map((name) => Number.parseInt(name, 10)).toSorted((a, b) => a - b),
    );
    for (const name of tables) {
      const path = join(folder, name);
      expect(fs.statSync(path).size).toBe(manifest.tables.get(Number.parseInt(name, 10)));
      expect(await findTableDamage(nodeFiles, path, true)).toBeUndefined();
    }
    expect(manifest.lastSequence).toBe(3000);
  });

  test('R22: what came before the log is known when an open began it, and not when it was begun while rows were written', async () => {
    const folder = temporaryPath();
    const current = async (): Promise<number | undefined> => {
      const name = fs.readFileSync(join(folder, 'CURRENT'), 'latin1').trim();
      return (await readManifest(nodeFiles, join(folder, name))).manifest.sequenceBefore;
    };
    for (const before of [0, 5, 10]) {
      const level = new ClassicLevel(folder);
      await level.open();
      for (let n = 0; n < 5; n++) await level.put(`k${n}`, 'x');
      expect(await current()).toBe(before);
      await level.close();
    }
    const level = new ClassicLevel(folder, { writeBufferSize: 1 << 16, compression: false });
    for (let n = 0; n < 1000; n++) await level.put(`k${n}`, 'x'.repeat(200));
    await level.compactRange('a', 'z');
    expect(await current()).toBeUndefined();
    await level.close();
  });

  test('R68: a flipped bit anywhere in a table is found: blocks, filter, indexes, footer', async () => {
    const folder = temporaryPath();
    const level = new ClassicLevel(folder, { compression: false });
    for (let n = 0; n < 400; n++) await level.put(`key ${n}`, `value ${n} `.repeat(10));
    await level.compactRange('a', 'z');
    await level.close();
    const path = join(folder, fs.readdirSync(folder).find((name) => name.endsWith('.ldb')) as string);
    const good = fs.readFileSync(path);
    expect(await findTableDamage(nodeFiles, path, true)).toBeUndefined();
    const handles = good.subarray(-48, -8); // two handles, and zeros behind them up to the magic number
    const padding = good.length - 48 + handles.findLastIndex((byte) => byte !== 0) + 1;
    for (let place = 0; place < good.length; place += place > good.length - 1400 ? 1 : 97) {
      const bytes = Buffer.from(good);
      bytes[place] = (bytes[place] as number) ^ 4;
      const damage = await findTableDamage(holding(bytes), path, true);
      const isPadding = place >= padding && place < good.length - 8;
      if (!isPadding) expect(damage, `flipped at ${place} of ${good.length}`).toBeDefined();
    }
  });
});
