/** What a commit tells of itself in its last row, where that appends (R66, R67; CR1, CR2 of `commit-row.ts`). */
import { ClassicLevel } from 'classic-level';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Bucket } from '../src/contract/bucket.ts';
import type { Change, Engine } from '../src/contract/engine.ts';
import { COMMIT_BYTES, writeCommitRow } from '../src/engines/level/engine/commit-row.ts';
import { decodeCommit, decodeValue, encodeKey, encodeValue, makeSlot } from '../src/engines/level/engine/rows.ts';
import { bytes, create, open, put, scanned, temporaryPath, text } from './level-support.ts';

const log: Bucket = { id: 3, name: 'log', appendOnly: true };
const name = (n: number): string => String(n).padStart(6, '0');

function appended(n: number, value: string): Change {
  return { type: 'put', bucket: log, key: bytes(name(n)), value: bytes(value) };
}

/** Commits that end with an append, one row and more, and every third one that does not. */
async function fill(engine: Engine, commitN: number): Promise<void> {
  await engine.commit([create(), create(log)]);
  for (let n = 1; n <= commitN; n += 1) {
    const changes = [put('n', String(n)), appended(2 * n, `a${n}`), appended(2 * n + 1, `b${n}`)];
    if (n % 3 === 0) changes.push(put('n', `${n}!`));
    await engine.commit(changes);
  }
}

const newestLog = (path: string): string => {
  const logs = readdirSync(path).filter((file) => file.endsWith('.log'));
  return `${path}/${logs.toSorted().at(-1)}`;
};

test('R67: a store is opened again after any kind of last commit, without a warning', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await fill(engine, 4);
  await engine.close();
  const again = await open(path);
  expect(again.warnings).toEqual([]);
  expect(text(again, name(9), log)).toBe('b4');
  expect(text(again, 'n')).toBe('4');
  // The row that told of a commit goes, and the commit after it tells of itself.
  await again.commit([{ type: 'delete', bucket: log, key: bytes(name(9)) }]);
  await again.close();
  const last = await open(path);
  expect(last.warnings).toEqual([]);
  expect(text(last, name(9), log)).toBeUndefined();
  expect(await scanned(last, log)).toHaveLength(7);
  await last.commit([appended(10, 'c')]);
  await last.commit([{ type: 'deleteBucket', bucket: log }]);
  await last.close();
  expect((await open(path)).warnings).toEqual([]);
});

test('R66, R67: of a log cut anywhere, whole commits are shown, or it is said that acknowledged ones are missing', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await fill(engine, 6);
  const copy = temporaryPath();
  cpSync(path, copy, { recursive: true });
  await engine.close();
  const whole = statSync(newestLog(copy)).size;
  const counts = new Set<number>();
  for (let cut = 0; cut < 420; cut += 14) {
    const torn = temporaryPath();
    cpSync(copy, torn, { recursive: true });
    truncateSync(newestLog(torn), whole - cut);
    if (cut > 0) await expect(open(torn)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
    // As a power cut may leave it, before the mark reached the medium.
    rmSync(`${torn}/SEQUENCE`);
    const shown = await open(torn);
    const rows = (await scanned(shown, log)).length;
    const counted = text(shown, 'n');
    expect(rows % 2).toBe(0);
    const commits = rows / 2;
    expect(counted).toBe(commits === 0 ? undefined : commits % 3 === 0 ? `${commits}!` : String(commits));
    expect(shown.warnings?.join()).not.toMatch(/failed before it was written/);
    counts.add(commits);
    await shown.commit([appended(99, 'on')]);
    await shown.close();
    await (await open(torn)).close();
  }
  expect(counts.size).toBeGreaterThan(3);
});

test('CR2: tables of a store that only appends never overlap, so LevelDB has nothing to merge', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await engine.commit([create(log)]);
  const value = 'v'.repeat(1000);
  for (let n = 0; n < 2000; n += 20) {
    await engine.commit(Array.from({ length: 20 }, (_, at) => appended(n + at, value)));
  }
  await engine.close();
  const told = readFileSync(`${path}/LOG`, 'latin1');
  expect(told.match(/Level-0 table .* bytes OK/g)?.length).toBeGreaterThan(10);
  expect(told).not.toMatch(/Compacting/);
  const again = await open(path);
  expect(again.warnings).toEqual([]);
  expect(await scanned(again, log)).toHaveLength(2000);
});

test('R67, W4: neither form of a row passes for the other, whichever byte changes', () => {
  const slot = makeSlot('log', 5);
  const told = writeCommitRow({ counter: 7, rows: 3, sequence: 11 }).slice();
  const value = bytes('the value');
  const key = encodeKey(slot, bytes('key')).slice();
  const carrying = encodeValue(slot, key, value, 0, value.length, told).slice();
  const plain = encodeValue(slot, key, value).slice();
  expect(decodeValue(slot, key, 2, carrying)).toEqual(value);
  expect(decodeCommit(slot, key, 2, carrying)).toEqual(told);
  expect(decodeValue(slot, key, 2, plain)).toEqual(value);
  expect(carrying).toHaveLength(plain.length + COMMIT_BYTES);
  for (const stored of [plain, carrying]) {
    for (let at = 0; at < stored.length; at += 1) {
      const changed = stored.slice();
      changed[at]! ^= 0x10;
      expect(decodeValue(slot, key, 2, changed)).toBeUndefined();
      expect(decodeCommit(slot, key, 2, changed)).toBeUndefined();
    }
    for (let length = 0; length < stored.length; length += 1) {
      expect(decodeValue(slot, key, 2, stored.subarray(0, length))).toBeUndefined();
    }
  }
  expect(decodeCommit(slot, key, 2, plain)).toBeUndefined();
});

/** A store whose last commit is told of by the row that it appends, and then an operation of somebody else's on top. */
async function tampered(
  change: (raw: ClassicLevel<Uint8Array, Uint8Array>, key: Uint8Array) => Promise<void>,
): Promise<string> {
  const path = temporaryPath();
  const engine = await open(path);
  await fill(engine, 4);
  await engine.close();
  const raw = new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await raw.open();
  for (const [key] of await raw.iterator({ lt: Uint8Array.of(255), reverse: true, limit: 40 }).all()) {
    if (Buffer.from(key.subarray(2)).toString() === name(9)) await change(raw, key.slice());
  }
  await raw.close();
  return path;
}

test('R67: a damaged row that told of the newest commit is damage, not a commit that failed', async () => {
  const path = await tampered(async (raw, key) => {
    const value = (await raw.get(key))!.slice();
    value[0]! ^= 1;
    await raw.put(key, value, { sync: true });
  });
  await expect(open(path)).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
    message: expect.stringMatching(/checksum/) as unknown,
  });
});

test('R67, P1: a row that told of an acknowledged commit and is gone is damage, not a commit that failed', async () => {
  const path = await tampered((raw, key) => raw.del(key, { sync: true }));
  await expect(open(path)).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
    message: expect.stringMatching(/acknowledged/) as unknown,
  });
});
