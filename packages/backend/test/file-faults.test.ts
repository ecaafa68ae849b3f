/** Damage, a medium that fails, files that others change, and rewriting the file (R27 to R29, R43, R55 to R60, B39 to B46). */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buckets } from '../src/contract/bucket.ts';
import { BackendError } from '../src/contract/errors.ts';
import type { Engine } from '../src/contract/engine.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { openBackend } from '../src/index.ts';
import { byHand, create as createBuckets } from './helpers.ts';
import {
  bytes,
  child,
  create,
  everything,
  firstLine,
  made,
  open,
  photograph,
  put,
  temporaryPath,
  text,
  unprivileged,
} from './file-support.ts';

const PAGE = 4096;
const numbered = (n: number): string => String(n).padStart(8, '0');

/** A store of some pages, as it was after each of its last two commits; closed. */
async function history(): Promise<{ path: string; previous: string[]; newest: string[] }> {
  const path = temporaryPath();
  const engine = await fileEngine(path);
  await engine.commit([create(), create(buckets.meta), put('m', 'meta', buckets.meta)]);
  for (let round = 0; round < 3; round += 1) {
    await engine.commit(Array.from({ length: 40 }, (_, i) => put(numbered(round * 40 + i), `${round} `.repeat(60))));
  }
  const previous = await everything(engine);
  await engine.commit([put('last', 'x'.repeat(6000)), put('m', 'newest', buckets.meta)]);
  const newest = await everything(engine);
  await engine.close();
  return { path, previous, newest };
}

/** What a fresh open of these bytes shows: rows, or the code of a refusal. */
async function shown(path: string): Promise<{ rows: string[]; warnings: readonly string[] } | { code: string }> {
  let engine: Engine | undefined;
  try {
    engine = await fileEngine(path);
    return { rows: await everything(engine), warnings: engine.warnings ?? [] };
  } catch (error) {
    if (error instanceof BackendError) return { code: error.code };
    throw error;
  } finally {
    await engine?.close();
  }
}

describe('damage', () => {
  test('R43, R57: a flipped byte in any page is nothing, BACKEND_CORRUPT, or a warned loss of the last commit', async () => {
    const { path, previous, newest } = await history();
    const good = fs.readFileSync(path);
    const counts = { same: 0, refused: 0, previous: 0 };
    for (let at = 5; at < good.length; at += 331) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ (1 << (at % 8));
      const place = `byte ${at % PAGE} of page ${Math.floor(at / PAGE)}`;
      fs.writeFileSync(path, bad);
      const found = await shown(path);
      if ('code' in found) {
        expect(found.code, place).toBe('BACKEND_CORRUPT');
        expect(fs.readFileSync(path).equals(bad), place).toBe(true);
        counts.refused += 1;
      } else if (found.warnings.length > 0) {
        expect([previous, newest], place).toContainEqual(found.rows);
        counts.previous += 1;
      } else {
        expect(found.rows, place).toEqual(newest);
        counts.same += 1;
      }
    }
    expect(counts.refused).toBeGreaterThan(20);
  });

  test('R43: a file that was cut is BACKEND_CORRUPT, and stays as it is; one that grew is the same', async () => {
    const { path, newest } = await history();
    const good = fs.readFileSync(path);
    for (const length of [PAGE + 1, 3 * PAGE, 10 * PAGE]) {
      fs.writeFileSync(path, good.subarray(0, length));
      const before = photograph(dirname(path));
      expect(await shown(path)).toEqual({ code: 'BACKEND_CORRUPT' });
      expect(photograph(dirname(path))).toEqual(before);
    }
    fs.writeFileSync(path, Buffer.concat([good, Buffer.alloc(10_000, 7)]));
    expect(await shown(path)).toEqual({ rows: newest, warnings: [] });
  });

  test('R55: both meta pages bad is BACKEND_CORRUPT', async () => {
    const { path } = await history();
    const bad = fs.readFileSync(path);
    for (const page of [0, 1]) bad.fill(0, page * PAGE + 40, page * PAGE + 80);
    fs.writeFileSync(path, bad);
    expect(await shown(path)).toEqual({ code: 'BACKEND_CORRUPT' });
  });

  test('R56: a newest meta page that is damaged opens at the commit before, with a warning', async () => {
    const { path, previous } = await history();
    const bad = fs.readFileSync(path);
    const newer = bad.readBigUInt64LE(16 + 48) > bad.readBigUInt64LE(PAGE + 16 + 48) ? 0 : 1;
    bad.fill(0, newer * PAGE, (newer + 1) * PAGE);
    fs.writeFileSync(path, bad);
    const found = await shown(path);
    expect(found).toEqual({ rows: previous, warnings: [expect.stringMatching(/last transaction may be missing/)] });
  });
});

describe('a medium that fails', () => {
  test('R25, R27, R29: no room is BACKEND_FAILED with the system error as cause, for good; reads go on; nothing acknowledged is lost', async () => {
    const path = temporaryPath();
    const { acked, seen, failures } = JSON.parse(await firstLine(child('fill', path, '200000'))) as {
      acked: number;
      seen: number;
      failures: unknown;
    };
    expect(failures).toEqual([
      ['BACKEND_FAILED', 'EFBIG'],
      ['BACKEND_FAILED', 'EFBIG'],
    ]);
    expect(acked).toBeGreaterThan(20);
    expect(seen).toBe(acked);
    const engine = await open(path);
    const rows = await everything(engine);
    // The failed one is in doubt: there wholly or not at all.
    expect([acked, acked + 1]).toContain(rows.length);
    await engine.commit([put('~', 'writes work again')]);
    expect(text(engine, '~')).toBe('writes work again');
  });

  const changes: readonly (readonly [what: string, change: (path: string) => void])[] = [
    ['deleted', (path) => fs.rmSync(path)],
    ['replaced', (path) => (fs.copyFileSync(path, `${path}-x`), fs.renameSync(`${path}-x`, path))],
    ['cut', (path) => fs.truncateSync(path, 2 * PAGE)],
  ];
  test.each(changes)(
    'R60: a file %s by somebody else is noticed by the next commit, which is not acknowledged',
    async (_, change) => {
      const path = await made();
      const engine = await open(path);
      expect(text(engine, 'a')).toBe('1');
      change(path);
      await expect(engine.commit([put('b', '2')])).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
      await expect(engine.commit([put('c', '3')])).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
      expect(text(engine, 'b')).toBeUndefined();
    },
  );
});

describe('rewriting the file', () => {
  async function filled(rows: number): Promise<{ path: string; engine: Engine }> {
    const path = temporaryPath();
    const engine = await open(path);
    await engine.commit([create(), create(buckets.lease)]);
    for (let from = 0; from < rows; from += 5000) {
      const put5000 = Array.from({ length: Math.min(5000, rows - from) }, (_, i) =>
        put(numbered(from + i), 'v'.repeat(90)),
      );
      await engine.commit(put5000);
    }
    return { path, engine };
  }
  const remove = (n: number) => ({ type: 'delete', bucket: buckets.key, key: bytes(numbered(n)) }) as const;

  test('B39, B40: rows that were deleted leave the file as long as it was, and a rewrite makes it shorter; empty buckets stay', async () => {
    const { path, engine } = await filled(10_100);
    const { size } = engine;
    expect(engine.sizeInUse).toBeLessThanOrEqual(size);
    await engine.commit(Array.from({ length: 5000 }, (_, i) => remove(i)));
    await engine.commit([put('~', 'commits let go of what they replace')]);
    expect(engine.size).toBeGreaterThanOrEqual(size);
    expect(engine.sizeInUse).toBeLessThan(size * 0.8);
    const rows = await everything(engine);
    await engine.compact();
    expect(engine.size).toBeLessThan(size * 0.7);
    expect(engine.size - engine.sizeInUse).toBeLessThan(0.1 * engine.size);
    expect(fs.statSync(path).size).toBe(engine.size);
    expect(await everything(engine)).toEqual(rows);
    expect(engine.buckets()).toEqual(['key', 'lease']);
    expect(fs.readdirSync(dirname(path)).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
    await engine.close();
    expect(fs.readdirSync(dirname(path))).toEqual([basename(path)]);
    expect(await everything(await open(path))).toEqual(rows);
  });

  test('B46: a file written in ascending order does not grow by a rewrite', async () => {
    const { engine } = await filled(100_000);
    const { sizeInUse } = engine;
    await engine.compact();
    expect(engine.size).toBeLessThan(sizeInUse * 1.03);
  });

  test('B42: a rewrite that cannot make its file rejects, leaves nothing behind, and changes nothing; the next one works', async () => {
    const { path, engine } = await filled(2000);
    const backend = await openBackend(engine, byHand);
    const folder = dirname(path);
    fs.chmodSync(folder, 0o555);
    try {
      await unprivileged(async () => {
        await expect(backend.defrag()).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: { code: 'EACCES' } });
      });
    } finally {
      fs.chmodSync(folder, 0o700);
    }
    expect(fs.readdirSync(folder).toSorted()).toEqual([basename(path), `${basename(path)}.lock`]);
    createBuckets(backend, buckets.test);
    await backend.forceCommit();
    await backend.defrag();
    expect(engine.buckets()).toEqual(['key', 'lease', 'test']);
    await backend.close();
  });

  test('B42: a rewrite that finds no room half-way rejects, leaves nothing behind, and the next one works', async () => {
    const { path, engine } = await filled(2000);
    await engine.commit(Array.from({ length: 1000 }, (_, i) => remove(i)));
    await engine.close();
    const process = child('defrag', path);
    const ended = once(process, 'exit');
    const { failure, before, after, sizes } = JSON.parse(await firstLine(process)) as {
      failure: unknown;
      before: number;
      after: number;
      sizes: [number, number];
    };
    await ended;
    expect(failure).toEqual(['BACKEND_FAILED', 'EFBIG']);
    expect([before, after]).toEqual([1000, 1001]);
    expect(sizes[1]).toBeLessThan(sizes[0]);
    expect(fs.readdirSync(dirname(path))).toEqual([basename(path)]);
  });

  test('B45: a reader opened before a rewrite reads on in its old state, and does not hold the rewrite up', async () => {
    const { engine } = await filled(3000);
    const pin = engine.pin();
    const begun = pin.scan(buckets.key, { chunkSize: 100 })[Symbol.asyncIterator]();
    await begun.next();
    await engine.commit(Array.from({ length: 1500 }, (_, i) => remove(i)));
    await engine.compact();
    await engine.commit([put('~', 'after')]);
    expect(text(pin, numbered(7))).toBe('v'.repeat(90));
    let rows = 100;
    for (let next = await begun.next(); next.done !== true; next = await begun.next()) rows += next.value.length;
    expect(rows).toBe(3000);
    expect([text(pin, '~'), text(engine, '~'), text(engine, numbered(7))]).toEqual([undefined, 'after', undefined]);
    pin[Symbol.dispose]();
  });
});

test('law 10: a chunk of large rows ends early, so that no more than some are read in one go', async () => {
  const engine = await open(temporaryPath());
  await engine.commit([
    create(),
    ...Array.from({ length: 12 }, (_, i) => put(numbered(i), new Uint8Array(100_000).fill(i))),
  ]);
  const lengths: number[] = [];
  for await (const chunk of engine.scan(buckets.key)) lengths.push(chunk.length);
  expect(lengths).toEqual([3, 3, 3, 3]);
});

test('R50: a copy of a file that was cut meanwhile ends with BACKEND_CORRUPT, and one of a closed engine with BACKEND_CLOSED', async () => {
  const path = temporaryPath();
  const engine = await open(path);
  await engine.commit([create(), ...Array.from({ length: 5000 }, (_, i) => put(numbered(i), 'v'.repeat(200)))]);
  const drain = async (copy: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of copy) if (chunk.length === 0) throw new Error('an empty chunk');
  };
  const late = await engine.snapshot?.();
  const cut = await engine.snapshot?.();
  if (late === undefined || cut === undefined) throw new Error('no copies');
  fs.truncateSync(path, 50 * PAGE);
  await expect(drain(cut)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  await engine.close();
  await expect(drain(late)).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
});
