/** Scans of tables where the tables, or the writing of them, are not as they should be (R32, R67, R71, R74). */
import { ClassicLevel } from 'classic-level';
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine, Entry, ScanOptions } from '../src/contract/engine.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import type { LongScan } from '../src/engines/level/engine/read-rows.ts';
import { bytes, create, failing, open, put, rows, scanned, temporaryPath } from './level-support.ts';

const TABLES_AT_ONCE = { rows: 1, bytes: 0, bytesToWrite: 0 };
const LEVELDB_ONLY = { rows: Infinity, bytes: Infinity, bytesToWrite: Infinity };

async function keysOf(view: Pick<Engine, 'scan'>, options?: ScanOptions): Promise<string[]> {
  const found: Entry[] = [];
  for await (const chunk of view.scan(rows, options)) found.push(...chunk);
  return found.map(({ key }) => new TextDecoder().decode(key));
}

const name = (n: number): string => `k${String(n).padStart(4, '0')}`;
const some = (from: number, count: number, length = 100): ReturnType<typeof put>[] =>
  Array.from({ length: count }, (_, i) => put(name(from + i), `${from + i} `.padEnd(length, 'v')));

/** Folders where LevelDB would put its next tables. */
function obstruct(path: string): void {
  for (let n = 1; n < 100; n++) {
    const table = join(path, `${String(n).padStart(6, '0')}.ldb`);
    if (!existsSync(table)) mkdirSync(table);
  }
}

function clear(path: string): void {
  for (const found of readdirSync(path)) {
    if (statSync(join(path, found)).isDirectory()) rmdirSync(join(path, found));
  }
}

test('R71, law 3: where LevelDB cannot write its memory into a table, no scan takes the tables for all there is', async () => {
  const path = temporaryPath();
  const engine = await open(path, { longScan: TABLES_AT_ONCE, writeBufferBytes: 64 << 20 });
  await engine.commit([create(), ...some(0, 300)]);
  const pin = engine.pin();
  obstruct(path);
  for (let round = 0; round < 3; round++) {
    expect(await keysOf(engine, { chunkSize: 10 })).toHaveLength(300);
    expect(await keysOf(pin, { chunkSize: 10 })).toHaveLength(300);
  }
  // LevelDB writes behind the scans, and takes commits until it has found out that it cannot.
  let taken = 300;
  const commit = (): Promise<boolean> =>
    engine.commit(some(taken, 1)).then(
      () => (taken++, true),
      () => false,
    );
  await expect.poll(commit).toBe(false);
  expect(await keysOf(engine, { chunkSize: 10 })).toHaveLength(taken);
  await engine.close();
  clear(path);
  expect(await scanned(await open(path))).toHaveLength(taken);
});

test('law 3: a table that another program compressed is read by LevelDB, whole or not at all', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await engine.commit([create(), ...some(0, 7, 500)]); // an index of one entry is not worth compressing; one that is compressed is refused at open
  await engine.close();
  // Opening writes the log into a table, with compression where that is the default.
  const raw = new ClassicLevel<Uint8Array, Uint8Array>(path, { compression: true, maxFileSize: 1 << 20 });
  await raw.open();
  await raw.close();
  const expected = await keysOf(await reopened(path, LEVELDB_ONLY), { chunkSize: 2 });
  expect(expected).toHaveLength(7);
  const again = await reopened(path, TABLES_AT_ONCE);
  expect(await keysOf(again, { chunkSize: 2 })).toEqual(expected);
  expect(await keysOf(again, { chunkSize: 2, start: bytes(name(2)), end: bytes(name(6)) })).toHaveLength(4);
});

let last: Engine | undefined;

async function reopened(path: string, longScan: LongScan, files: Partial<Files> = {}): Promise<Engine> {
  await last?.close();
  return (last = await open(path, { longScan, files }));
}

test.each(['EMFILE', 'ENFILE'])(
  'R32: without a descriptor left (%s) a scan goes on with what LevelDB has open',
  async (code) => {
    const path = temporaryPath();
    for (let n = 0; n < 5; n++) {
      const engine = await open(path);
      await engine.commit([...(n === 0 ? [create()] : []), ...some(n * 100, 100, 1000)]);
      await engine.close();
    }
    for (const allowed of [0, 1, 2, 3, 4, 5]) {
      let opened = 0;
      let isLimited = false;
      const files = {
        open(file: string) {
          if (isLimited && ++opened > allowed) return failing(code)();
          return nodeFiles.open(file);
        },
      };
      const engine = await reopened(path, TABLES_AT_ONCE, files);
      isLimited = true;
      const found = await keysOf(engine, { chunkSize: 7 });
      expect(found).toEqual(Array.from({ length: 500 }, (_, n) => name(n)));
      if (allowed < 2) expect(opened).toBeGreaterThan(allowed);
    }
  },
);
