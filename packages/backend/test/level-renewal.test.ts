/** LevelDB's MANIFEST and log of events, which grow until it opens the folder again (XA17, law 8, law 9, ENG3). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import type { Engine } from '../src/contract/engine.ts';
import type { LevelClass } from '../src/engines/level/driver.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import { create, failing, open, put, rows, scanned, temporaryPath, text } from './level-support.ts';

const LIMIT = 8000;
/** A clock on which all waiting is over at the next look. */
let now = 0;
const impatient = { clock: { ...nodeFiles.clock, now: () => (now += 10_000) } };

function eventBytes(path: string): number {
  return fs
    .readdirSync(path)
    .filter((name) => name === 'LOG' || name.startsWith('MANIFEST-'))
    .reduce((sum, name) => sum + fs.statSync(join(path, name)).size, 0);
}

const litter = (path: string): string[] => fs.readdirSync(path).filter((name) => name.startsWith('.varve'));

/** Counts the openings of a folder by LevelDB. */
function counted(
  path: string,
  before: (nth: number) => Promise<void> = async () => undefined,
): { Level: LevelClass; readonly n: number } {
  let n = 0;
  const { _open: openIt } = ClassicLevel.prototype as unknown as {
    _open: (this: object, options: object) => Promise<void>;
  };
  const Level = class extends ClassicLevel<Uint8Array, Uint8Array> {
    // Not `open`, which abstract-level calls on its own as well.
    async _open(options: object): Promise<void> {
      if (this.location === path) await before((n += 1));
      return openIt.call(this, options);
    }
  } as unknown as LevelClass;
  return {
    Level,
    get n() {
      return n;
    },
  };
}

async function write(engine: Engine, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await engine.commit([create(), put(`k${n % 50}`, `${n} `.repeat(200)), put('n', String(n))]);
    if (n % 5 === 0) await engine.compact();
  }
}

test('XA17, law 9: they stay below a bound, however long it is written and compacted; every row is there', async () => {
  const path = temporaryPath();
  const openings = counted(path);
  const engine = await open(path, { Level: openings.Level, files: impatient, eventBytes: LIMIT });
  let most = 0;
  for (let n = 0; n < 400; n += 20) {
    await write(engine, n, 20);
    most = Math.max(most, eventBytes(path));
  }
  expect(openings.n).toBeGreaterThan(3);
  expect(most).toBeLessThan(3 * LIMIT);
  expect(text(engine, 'n')).toBe('399');
  expect(await scanned(engine)).toHaveLength(51);
  await engine.close();
  expect(litter(path)).toEqual([]);
  const again = await open(path);
  expect(again.warnings).toEqual([]);
  expect(text(again, 'n')).toBe('399');
});

test('XA17, XE3: reads of every tick, scans and pins go on while LevelDB is closed and opened again', async () => {
  const path = temporaryPath();
  let isOpening = false;
  let readWhileClosed = 0;
  let done: () => void = () => undefined;
  const openings = counted(path, async (nth) => {
    if (nth === 1) return;
    isOpening = true;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    isOpening = false;
    if (nth === 4) done();
  });
  const engine = await open(path, { Level: openings.Level, files: impatient, eventBytes: LIMIT });
  const enough = new Promise<void>((resolve) => (done = resolve));
  let isOver = false;
  let last = -1;
  const reading = (async (): Promise<void> => {
    for (let round = 0; !isOver; round++) {
      const n = Number(text(engine, 'n') ?? -1);
      expect(n).toBeGreaterThanOrEqual(last); // the same state, or a newer one
      last = n;
      if (isOpening) readWhileClosed += 1;
      if (isOpening && readWhileClosed % 5 === 0) {
        const pin = engine.pin();
        const found = await scanned(pin);
        const value = found.find(({ key }) => Buffer.from(key).toString() === 'n')?.value;
        expect(Buffer.from(value ?? []).toString()).toBe(String(n));
        pin[Symbol.dispose]();
      }
      await new Promise(setImmediate);
    }
  })();
  const writing = (async (): Promise<void> => {
    for (let n = 0; !isOver; n += 5) await write(engine, n, 5);
  })();
  await enough;
  isOver = true;
  await Promise.all([reading, writing]);
  expect(readWhileClosed).toBeGreaterThan(10);
  await engine.close();
  expect(litter(path)).toEqual([]);
});

test('XA17: who holds an older state keeps LevelDB open, and a pin of before sees what it saw', async () => {
  const path = temporaryPath();
  const openings = counted(path);
  const engine = await open(path, { Level: openings.Level, files: impatient, eventBytes: LIMIT });
  await write(engine, 0, 3);
  const pin = engine.pin();
  await write(engine, 3, 200);
  expect(openings.n).toBe(1);
  expect(text(pin, 'n')).toBe('2');
  pin[Symbol.dispose]();
  await write(engine, 203, 20);
  expect(openings.n).toBeGreaterThan(1);
  expect(text(engine, 'n')).toBe('222');
});

test('XA17: without second names LevelDB stays open, and nothing is lost by that', async () => {
  const path = temporaryPath();
  const openings = counted(path);
  const files = { ...impatient, hardLink: failing('EPERM') };
  const engine = await open(path, { Level: openings.Level, files, eventBytes: LIMIT });
  await write(engine, 0, 100);
  expect(openings.n).toBe(1);
  expect(text(engine, 'n')).toBe('99');
  await engine.close();
  expect(litter(path)).toEqual([]);
});

test.each(['LevelDB', 'our own files'])(
  'XA17, law 8: when opening again fails in %s, commits fail, reads go on, and reopening recovers',
  async (where) => {
    const path = temporaryPath();
    let isBroken = false;
    const emfile = Object.assign(new Error('IO error: x/LOCK: Too many open files'), { code: 'LEVEL_IO_ERROR' });
    const openings = counted(path, async (nth) => {
      if (nth === 1 || where !== 'LevelDB') return;
      isBroken = true;
      throw Object.assign(new Error('Database failed to open'), { cause: emfile });
    });
    let isHeld = false;
    const files: Partial<Files> = {
      ...impatient,
      rename: (from, to) => {
        isHeld ||= to.includes('.varve-kept-') && openings.n === 1 && isReady;
        isBroken ||= isHeld && where !== 'LevelDB';
        return isBroken && where !== 'LevelDB' ? failing('EMFILE')() : nodeFiles.rename(from, to);
      },
    };
    let isReady = false;
    const engine = await open(path, { Level: openings.Level, files, eventBytes: LIMIT });
    isReady = true;
    let acked = -1;
    const failure = await (async (): Promise<unknown> => {
      for (let n = 0; n < 400; n++) {
        try {
          await engine.commit([create(), put('n', String(n))]);
        } catch (error) {
          return error;
        }
        acked = n;
        await engine.compact().catch(() => undefined);
      }
      return undefined;
    })();
    expect(isBroken).toBe(true);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^(BACKEND_FAILED|EMFILE)$/) as unknown });
    expect(text(engine, 'n')).toBe(String(acked));
    expect(text(engine.pin(), 'n')).toBe(String(acked));
    expect(await scanned(engine, rows)).toHaveLength(1);
    await expect(engine.commit([put('n', 'x')])).rejects.toBe(failure);
    await engine.close();
    const again = await open(path);
    expect(text(again, 'n')).toBe(String(acked));
    expect(litter(path)).toEqual([]);
  },
);
