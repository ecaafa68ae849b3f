/** What a commit promises, and what follows when it fails (R25, R27, R28, R47, R64, R65, R71, ENG3, law 8). */
import { ClassicLevel } from 'classic-level';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LevelBatch, LevelClass } from '../src/engines/level/driver.ts';
import { nodeFiles, type FolderLook } from '../src/engines/level/files.ts';
import {
  bytes,
  child,
  create,
  digests,
  failing,
  linesOf,
  open,
  put,
  Reader,
  temporaryPath,
  text,
} from './level-support.ts';

/** A driver that lets a test see and break the writing of batches. */
function driver(write: (proceed: () => Promise<void>, options: unknown) => Promise<void>): LevelClass {
  return class extends ClassicLevel<Uint8Array, Uint8Array> {
    constructor(location: string, options: object) {
      super(location, options);
      const chained = this.batch.bind(this) as () => LevelBatch;
      Object.assign(this, {
        batch() {
          const batch = chained();
          const proceed = batch.write.bind(batch);
          return Object.assign(batch, { write: (options: object) => write(() => proceed(options), options) });
        },
      });
    }
  } as unknown as LevelClass;
}

const ioError = (words: string): Error =>
  Object.assign(new Error(`IO error: store/000003.log: ${words}`), { code: 'LEVEL_IO_ERROR' });

test('R47, R64, R65: every commit is one synced batch, and the next one waits for it', async () => {
  let running = 0;
  const seen: unknown[] = [];
  const Level = driver(async (proceed, options) => {
    expect((running += 1)).toBe(1);
    seen.push(options);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    await proceed();
    running -= 1;
  });
  const engine = await open(temporaryPath(), { Level });
  seen.length = 0;
  await Promise.all([
    engine.commit([create()]),
    ...Array.from({ length: 20 }, (_, n) => engine.commit([put('n', String(n)), put(`k${n}`, '')])),
  ]);
  expect(seen).toHaveLength(21);
  for (const options of seen) expect(options).toMatchObject({ sync: true });
  expect(text(engine, 'n')).toBe('19');
});

test('ENG3: reads, scans and pins show the state before a commit until it is acknowledged, although LevelDB shows more', async () => {
  let held: (() => void) | undefined;
  let isWritten: (() => void) | undefined;
  const written = new Promise<void>((resolve) => (isWritten = resolve));
  let holding = false;
  const Level = driver(async (proceed) => {
    await proceed();
    if (!holding) return;
    isWritten?.();
    await new Promise<void>((resolve) => (held = resolve));
  });
  const engine = await open(temporaryPath(), { Level });
  const late = { id: 9, name: 'late', appendOnly: false };
  await engine.commit([create(), put('a', '1')]);
  holding = true;
  const done = engine.commit([put('a', '2'), create(late), put('b', '2', late)]);
  await written;
  const pin = engine.pin();
  for (const view of [engine, pin]) {
    expect(text(view, 'a')).toBe('1');
    expect(text(view, 'b', late)).toBeUndefined();
    expect(view.buckets()).toEqual(['key']);
  }
  held?.();
  await done;
  expect(text(pin, 'a')).toBe('1');
  expect(text(engine, 'a')).toBe('2');
  expect(text(engine, 'b', late)).toBe('2');
});

test.each([
  ['Input/output error', 'EIO'],
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['File too large', 'EFBIG'],
  ['Too many open files', 'EMFILE'],
])('R25, R27: "%s" rejects with %s, is not tried again, ends the writer, and leaves reads', async (words, code) => {
  let calls = 0;
  let isBroken = false;
  const Level = driver(async (proceed) => {
    if (!isBroken) return proceed();
    calls += 1;
    throw ioError(words);
  });
  const path = temporaryPath();
  const engine = await open(path, { Level });
  await engine.commit([create(), put('a', '1')]);
  isBroken = true;
  const first = await engine.commit([put('a', '2')]).catch((error: unknown) => error);
  expect(first).toMatchObject({ code, cause: { code: 'LEVEL_IO_ERROR' } });
  isBroken = false;
  await expect(engine.commit([put('a', '3')])).rejects.toBe(first);
  expect(calls).toBe(1);
  expect(text(engine, 'a')).toBe('1');
  expect(text(engine.pin(), 'a')).toBe('1');
  await engine.close();
  expect(text(await open(path), 'a')).toBe('1');
});

test('R22, R25: the folder is synced when a log was added to it; a sync that fails is a commit that fails', async () => {
  const path = temporaryPath();
  let isBroken = false;
  let syncs = 0;
  const syncFolder = async (folder: string): Promise<void> => {
    syncs += 1;
    return isBroken ? failing('EIO')() : nodeFiles.syncFolder(folder);
  };
  let stamp = 1;
  let looks = 0;
  const lookNow = (folder: string): FolderLook | undefined => {
    looks += 1;
    const found = nodeFiles.lookNow(folder);
    return found && { ...found, changedMs: stamp };
  };
  const engine = await open(path, { files: { syncFolder, lookNow } });
  await engine.commit([create()]);
  [syncs, looks] = [0, 0];
  for (let n = 0; n < 10; n++) await engine.commit([put('a', `${n}`)]);
  // Once before LevelDB is given work, once before that is acknowledged (HF1).
  expect([syncs, looks]).toEqual([0, 20]);
  stamp += 1;
  await engine.commit([put('a', 'x')]);
  expect(syncs).toBe(1);
  stamp += 1;
  isBroken = true;
  await expect(engine.commit([put('a', 'y')])).rejects.toMatchObject({ code: 'EIO' });
  expect(text(engine, 'a')).toBe('x');
  await expect(engine.commit([put('a', 'z')])).rejects.toMatchObject({ code: 'EIO' });
  expect(syncs).toBe(2);
});

test.each([
  ['the log', '40', 'own'],
  ['the log', '40', 'carried'],
  ['a compaction', '300', 'new'],
  ['the log', '300', 'appended'],
])(
  'R27, R28, R71: %s does not fit on the medium (%s KiB, %s): typed, acknowledged rows stay, reopening goes on',
  async (_, limit, keys) => {
    const path = temporaryPath();
    const filled = child('fill', path, keys, limit);
    const { value } = await linesOf(filled).next();
    const { acked, seen, digest, failures } = JSON.parse(value as string) as {
      acked: number;
      seen: number;
      digest: string;
      failures: string[];
    };
    if (filled.exitCode === null) await once(filled, 'exit');
    expect(failures).toEqual(['EFBIG', 'EFBIG']);
    expect(acked).toBeGreaterThan(3);
    expect(seen).toBe(acked);
    const shown = await new Reader().show(path);
    expect(shown?.code).toBeUndefined();
    if (keys === 'own' || keys === 'carried') {
      const states = digests(acked + 1, keys);
      expect(digest).toBe(states[acked]);
      expect([states[acked], states[acked + 1]]).toContain(shown?.digest);
    }
    const engine = await open(path);
    expect(Number(text(engine, 'n', { id: 2, name: 'meta', appendOnly: false }))).toBeGreaterThanOrEqual(acked);
    await engine.commit([put('after', 'it')]);
    await engine.close();
    expect(text(await open(path), 'after')).toBe('it');
  },
);

test('R67: numbers that a failed commit used up are not taken for damage', async () => {
  const path = temporaryPath();
  let isBroken = false;
  // LevelDB counts the operations of a batch that it could not append, and the count may reach the MANIFEST. An
  // operation that no commit row follows looks the same from outside.
  const Level = driver(async (proceed) => (isBroken ? Promise.reject(ioError('No space left on device')) : proceed()));
  const engine = await open(path, { Level });
  await engine.commit([create(), put('a', '1')]);
  isBroken = true;
  await expect(engine.commit([put('a', '2')])).rejects.toMatchObject({ code: 'ENOSPC' });
  await engine.close();
  const raw = new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await raw.open();
  await raw.batch().del(bytes('\0\0nothing')).write({ sync: true });
  await raw.close();
  const again = await open(path);
  expect(again.warnings).toHaveLength(1);
  expect(again.warnings?.[0]).toMatch(/failed before it was written/);
  expect(text(again, 'a')).toBe('1');
  await again.commit([put('a', '3')]);
  await again.close();
  const last = await open(path);
  expect(last.warnings).toEqual([]);
  expect(text(last, 'a')).toBe('3');
});

test('LE5: a close after much was written leaves no log to read, one after little leaves the log alone', async () => {
  for (const [rowN, isMuch] of [
    [8, false],
    [80, true],
  ] as const) {
    const path = temporaryPath();
    let folderSyncs = 0;
    const syncFolder = (folder: string): Promise<void> => {
      folderSyncs += 1;
      return nodeFiles.syncFolder(folder);
    };
    const engine = await open(path, { files: { syncFolder }, writeBufferBytes: 64 << 20 });
    const value = 'v'.repeat(1 << 16);
    await engine.commit([create(), ...Array.from({ length: rowN }, (_, n) => put(`k${n}`, value))]);
    const before = folderSyncs;
    await engine.close();
    const logBytes = readdirSync(path).reduce(
      (sum, name) => sum + (name.endsWith('.log') ? statSync(`${path}/${name}`).size : 0),
      0,
    );
    expect(logBytes > 0).toBe(!isMuch);
    expect(folderSyncs - before).toBe(isMuch ? 1 : 0);
    const again = await open(path);
    expect(again.warnings).toEqual([]);
    expect(text(again, `k${rowN - 1}`)).toBe(value);
  }
});

test('LE5: a close that cannot write tables is a close all the same: the log has everything', async () => {
  const path = temporaryPath();
  const Level = class extends ClassicLevel<Uint8Array, Uint8Array> {
    override compactRange(): Promise<void> {
      return Promise.reject(ioError('No space left on device'));
    }
  } as unknown as LevelClass;
  const engine = await open(path, { Level, writeBufferBytes: 64 << 20 });
  await engine.commit([create(), ...Array.from({ length: 80 }, (_, n) => put(`k${n}`, 'v'.repeat(1 << 16)))]);
  await engine.close();
  expect(text(await open(path), 'k79')).toHaveLength(1 << 16);
});
