/** The rows of docs/spec/log-file.md that crashes, faults and damages do not prove (`log-crash`, `log-faults`, `log-damage`). */
import fs from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buckets, openBackend } from '../src/index.ts';
import type { Change, Engine } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { nodeFolders } from '@varve/base/node/real-folders';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath } from './file-support.ts';
import { LogDisk, logEngineOn, seeded } from './log-disk.ts';
import { dump, History, records, revision, shown, small, words } from './log-support.ts';

const PATH = '/store';
const create: Change[] = [records, words, small].map((bucket) => ({ type: 'createBucket', bucket }));
const put = (main: number, value: Uint8Array = Uint8Array.of(main & 0xff)): Change => ({
  type: 'put',
  bucket: records,
  key: revision(main),
  value,
});
const gone = (main: number): Change => ({ type: 'delete', bucket: records, key: revision(main) });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const namesOf = (disk: LogDisk): string[] =>
  [...disk.files().keys()].map((name) => name.slice(PATH.length + 1)).toSorted();

/** Lets work beside the writers come to its end. */
async function idle(): Promise<void> {
  for (let i = 0; i < 2000; i += 1) await new Promise(setImmediate);
}

test('G1 a making that was cut short is made anew; a store that has lost its marker is not', async () => {
  const path = temporaryPath();
  fs.mkdirSync(path);
  fs.mkdirSync(join(path, 'lost+found'));
  fs.writeFileSync(join(path, '0000000001.log'), '');
  fs.writeFileSync(join(path, '.varve-temporary-marker-1'), 'varve');
  const engine = await logEngine(path);
  await engine.commit([...create, put(1)]);
  await engine.close();
  expect(fs.existsSync(join(path, '.varve-temporary-marker-1'))).toBe(false);
  expect(fs.statSync(path).mode & 0o777).toBe(0o700);
  expect(fs.statSync(join(path, '0000000001.log')).mode & 0o777).toBe(0o600);
  fs.rmSync(join(path, 'VARVE'));
  await expect(logEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
});

test('G2 a folder of something else is BACKEND_FOREIGN and stays as it is; a newer format is BACKEND_VERSION', async () => {
  const path = temporaryPath();
  fs.mkdirSync(path);
  fs.writeFileSync(join(path, 'letter.txt'), 'dear');
  await expect(logEngine(path)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  expect(fs.readdirSync(path)).toEqual(['letter.txt']);
  const file = temporaryPath();
  fs.writeFileSync(file, '');
  await expect(logEngine(file)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  const store = temporaryPath();
  await (await logEngine(store)).close();
  const { crc32c } = await import('@varve/base/crc32c');
  const signed = 'varve log store\nformat 2\nid 0123456789abcdef\n';
  fs.writeFileSync(
    join(store, 'VARVE'),
    `${signed}crc ${crc32c(Buffer.from(signed)).toString(16).padStart(8, '0')}\nmore\n`,
  );
  await expect(logEngine(store)).rejects.toMatchObject({ code: 'BACKEND_VERSION' });
  const other = 'varve level store\nformat 1\n';
  const sum = crc32c(Buffer.from(other)).toString(16).padStart(8, '0');
  fs.writeFileSync(join(store, 'VARVE'), `${other}crc ${sum}\n`);
  await expect(logEngine(store)).rejects.toMatchObject({
    code: 'BACKEND_FOREIGN',
    message: expect.stringContaining('level'),
  });
  fs.writeFileSync(join(store, 'VARVE'), `${other}crc 00000000\n`);
  await expect(logEngine(store)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  const log = temporaryPath();
  await (await logEngine(log)).close();
  await expect(levelEngine(log)).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' });
  await (await logEngine(log)).close();
  await expect(logEngine(temporaryPath(), { create: false })).rejects.toMatchObject({
    code: 'BACKEND_NOT_FOUND',
  });
});

test('G2 XE1 a name of the store that is a link or a folder is refused', async () => {
  for (const make of [(path: string) => fs.symlinkSync('/etc/hostname', path), (path: string) => fs.mkdirSync(path)]) {
    const path = temporaryPath();
    await (await logEngine(path)).close();
    make(join(path, '0000000099.log'));
    await expect(logEngine(path)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  }
});

test('G3 leftovers go at the next open, never at one for reading only', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([...create, put(1)]);
  await engine.close();
  const files = disk.files();
  for (const name of ['.varve-temporary-image-1', '0000000077.dat', '0000000078.log'])
    files.set(`${PATH}/${name}`, Buffer.alloc(9));
  files.set(`${PATH}/0000000077.dat`, Buffer.alloc(100));
  const left = LogDisk.holding(files);
  const reader = await logEngineOn(left, PATH, { readOnly: true });
  await reader.close();
  expect(namesOf(left)).toEqual(namesOf(LogDisk.holding(files)));
  const again = await logEngineOn(left, PATH);
  expect(namesOf(left)).toEqual(namesOf(disk));
  expect(again.warnings).toEqual([]);
  await again.close();
});

test('G4 any number of readers, none beside a writer; they change no byte, and see what is durable', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path);
  await engine.commit([...create, put(1)]);
  await expect(logEngine(path, { readOnly: true })).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
  await expect(logEngine(path)).rejects.toMatchObject({ code: 'BACKEND_LOCKED' });
  await engine.close();
  const bytes = fs.readdirSync(path).map((name) => [name, fs.readFileSync(join(path, name), 'hex')]);
  const readers = [await logEngine(path, { readOnly: true }), await logEngine(path, { readOnly: true })];
  for (const reader of readers) {
    expect(reader.readOnly).toBe(true);
    expect(reader.get(records, revision(1))).toEqual(Uint8Array.of(1));
    await expect(reader.commit([put(2)])).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' });
    await expect(reader.compact()).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' });
  }
  const writer = await logEngine(path);
  await writer.commit([put(2), gone(1)]);
  await writer.compact();
  expect(shown(await dump(readers[0]!))).toBe(shown(await dump(readers[1]!)));
  expect(readers[0]!.get(records, revision(1))).toEqual(Uint8Array.of(1));
  await writer.close();
  for (const reader of readers) await reader.close();
  await expect(logEngine(temporaryPath(), { readOnly: true })).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND' });
  expect(bytes.length).toBeGreaterThan(3);
});

test('G4 where nothing can be synced a reader leaves out what nobody was promised', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  await turn(); // ACKED follows in a turn
  const acked = disk.files().get(`${PATH}/ACKED`)!;
  await engine.commit([put(1)]);
  const files = disk.files();
  files.set(`${PATH}/ACKED`, acked);
  const left = LogDisk.holding(files);
  left.before = ({ kind }) => (kind === 'sync' ? 'EROFS' : undefined);
  const reader = await logEngineOn(left, PATH, { readOnly: true });
  expect(reader.get(records, revision(1))).toBeUndefined();
  await reader.close();
  left.before = undefined;
  const second = await logEngineOn(left, PATH, { readOnly: true });
  expect(second.get(records, revision(1))).toEqual(Uint8Array.of(1));
  await second.close();
  await engine.close();
});

test('G4 G12 commits behind the promised one, many of them and over segments, are no damage to a reader that cannot sync', async () => {
  const disk = new LogDisk();
  const options = { segmentBytes: 4096 };
  const engine = await logEngineOn(disk, PATH, options);
  await engine.commit(create);
  await engine.commit([put(1)]);
  await turn();
  const acked = disk.files().get(`${PATH}/ACKED`)!;
  for (let main = 2; main <= 200; main += 1) await engine.commit([put(main)]);
  const files = disk.files();
  expect([...files.keys()].filter((name) => name.endsWith('.log')).length).toBeGreaterThan(2);
  files.set(`${PATH}/ACKED`, acked);
  const left = LogDisk.holding(files);
  left.before = ({ kind }) => (kind === 'sync' ? 'EROFS' : undefined);
  const reader = await logEngineOn(left, PATH, { ...options, readOnly: true });
  expect(reader.get(records, revision(1))).toEqual(Uint8Array.of(1));
  expect(reader.get(records, revision(2))).toBeUndefined();
  expect(reader.warnings).toEqual([]);
  await reader.close();
  await engine.close();
});

test('G5 G7 a segment is opened for reading and writing at once, and O_DSYNC is used on Linux only', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path);
  await engine.commit(create);
  if (process.platform === 'linux') {
    const flags = fs
      .readdirSync('/proc/self/fd')
      .filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`) === join(fs.realpathSync(path), '0000000001.log');
        } catch {
          return false; // the descriptor of this very listing
        }
      })
      .map((fd) =>
        Number.parseInt(/flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8),
      );
    expect(flags).toHaveLength(1);
    expect(flags[0]! & fs.constants.O_DSYNC).toBe(fs.constants.O_DSYNC);
    expect(flags[0]! & fs.constants.O_RDWR).toBe(fs.constants.O_RDWR);
  }
  await engine.close();
});

test('G6 a commit of no rows, of one row of 70 MiB, of 100,000 rows', async () => {
  const path = temporaryPath();
  let engine = await logEngine(path);
  await engine.commit([]);
  await engine.commit(create);
  const large = new Uint8Array(70 << 20).fill(3);
  large[large.length - 1] = 4;
  await engine.commit([put(1, large)]);
  await engine.commit(range(2, 100_002).map((main) => put(main)));
  engine = await reopened(engine, path);
  expect(engine.get(records, revision(1))?.at(-1)).toBe(4);
  expect(engine.get(records, revision(100_001))).toEqual(Uint8Array.of(100_001 & 0xff));
  await engine.close();
}, 120_000);

test('G8 a small commit that passes the end carries zeros in its own write, a large one none', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  const size = (): number => disk.files().get(`${PATH}/0000000001.log`)!.length;
  expect(size()).toBe(1 << 20);
  const before = disk.ops;
  await engine.commit([put(1)]);
  expect(size()).toBe(1 << 20);
  expect(disk.ops).toBeLessThanOrEqual(before + 2); // the frame, and what was acknowledged
  await engine.commit([put(2, new Uint8Array(3 << 20))]);
  expect(size() % (1 << 20)).not.toBe(0);
  expect(engine.size).toBeLessThan((3 << 20) + 2000);
  await engine.close();
});

test('G9 what the store encoded is what is written: a value is in the very buffer that is given to the file', async () => {
  const written: Uint8Array[] = [];
  const disk = new LogDisk();
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    const write = file.write.bind(file);
    file.write = (buffers, position) => {
      written.push(...buffers);
      return write(buffers, position);
    };
    return file;
  };
  const backend = await openBackend(await logEngineOn(disk, PATH));
  const value = new Uint8Array(1 << 16).fill(9);
  backend.batchTx((tx) => {
    tx.createBucket(buckets.key);
    tx.put(buckets.key, revision(1), value);
  });
  await backend.forceCommit();
  const given = written.find((buffer) => buffer.length > value.length);
  const read = backend.readTx((tx) => tx.get(buckets.key, revision(1)));
  expect(given).toBeDefined();
  expect(read).toEqual(value);
  await backend.close();
});

test('G10 a segment over its size is closed; one whose footer is missing or bad is read instead, once', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
  await engine.commit(create);
  for (const main of range(1, 40)) await engine.commit([put(main, new Uint8Array(400).fill(main))]);
  await idle();
  const text = shown(await dump(engine));
  await engine.close();
  const logs = namesOf(disk).filter((name) => name.endsWith('.log'));
  expect(logs.length).toBeGreaterThan(3);
  const files = disk.files();
  const first = files.get(`${PATH}/${logs[0]}`)!;
  first[first.lastIndexOf('FOOT') + 30]! ^= 1;
  const second = files.get(`${PATH}/${logs[1]}`)!;
  files.set(`${PATH}/${logs[1]}`, second.subarray(0, second.lastIndexOf('FOOT')));
  const left = LogDisk.holding(files);
  engine = await logEngineOn(left, PATH, { segmentBytes: 4096 });
  expect(engine.warnings).toEqual([expect.stringContaining(`index at the end of ${PATH}/${logs[0]} is damaged`)]);
  expect(shown(await dump(engine))).toBe(text);
  await idle();
  await engine.close();
  engine = await logEngineOn(left, PATH, { segmentBytes: 4096 });
  expect(engine.warnings).toEqual([]);
  expect(shown(await dump(engine))).toBe(text);
  await engine.close();
});

test('G17 an open after a close reads no frame; G20 deletions and resident rows are in the image', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 16 });
  await engine.commit(create);
  for (const main of range(1, 200)) await engine.commit([put(main, new Uint8Array(1000))]);
  await engine.commit([
    ...range(1, 150).map(gone),
    { type: 'put', bucket: small, key: Uint8Array.of(1), value: Uint8Array.of(2) },
  ]);
  const text = shown(await dump(engine));
  await engine.close();
  let bytes = 0;
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    const readLater = file.readLater.bind(file);
    file.readLater = async (target, position) => {
      const read = await readLater(target, position);
      bytes += read;
      return read;
    };
    return file;
  };
  const again = await logEngineOn(disk, PATH, { segmentBytes: 1 << 16 });
  expect(bytes).toBeLessThan(120_000);
  expect(shown(await dump(again))).toBe(text);
  await again.close();
});

test('G18 G20 an image is written when the log has grown, and the log goes on without it', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path);
  await engine.commit(create);
  for (const main of range(1, 22)) await engine.commit([put(main, new Uint8Array(1 << 20))]);
  await expect.poll(() => fs.existsSync(join(path, 'image'))).toBe(true);
  await engine.close();
});

test('G21 a bucket that was deleted and made again has none of the rows it had, here and after opening anew', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit([
    ...create,
    put(5),
    { type: 'put', bucket: small, key: Uint8Array.of(1), value: Uint8Array.of(2) },
  ]);
  await engine.commit([
    { type: 'deleteBucket', bucket: records },
    { type: 'deleteBucket', bucket: small },
  ]);
  expect(engine.buckets()).toEqual(['words']);
  await engine.commit([...create, put(1)]);
  for (let i = 0; i < 2; i += 1) {
    expect(engine.get(records, revision(5))).toBeUndefined();
    expect(engine.get(records, revision(1))).toEqual(Uint8Array.of(1));
    expect(engine.get(small, Uint8Array.of(1))).toBeUndefined();
    // It is known by its name, whatever the one who asks calls its kind (ENG6).
    expect(engine.get({ id: 0, name: 'key', appendOnly: false }, revision(1))).toEqual(Uint8Array.of(1));
    await engine.close();
    engine = await logEngineOn(disk, PATH);
  }
  await engine.close();
});

test('G22 gaps of 2^33 between revisions, many subs, tombstones, keys of mixed lengths', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  const keys = [revision(1), revision(1, 0, true), revision(1, 1)];
  for (const sub of range(2, 3000)) keys.push(revision(1, sub));
  keys.push(revision(2 ** 33), revision(2 ** 33, 7), revision(2 ** 52), revision(2 ** 52 + 1, 2 ** 32 - 1));
  await engine.commit(keys.map((key, i) => ({ type: 'put', bucket: records, key, value: Buffer.from(`${i}`) })));
  const mixed = [Buffer.from('a'), revision(2 ** 53 - 1).fill(0xff, 0, 2), Buffer.alloc(32_768, 0xff)];
  await engine.commit(mixed.map((key, i) => ({ type: 'put', bucket: records, key, value: Buffer.from(`mixed ${i}`) })));
  for (let round = 0; round < 2; round += 1) {
    keys.forEach((key, i) => expect(Buffer.from(engine.get(records, key) ?? []).toString()).toBe(`${i}`));
    mixed.forEach((key, i) => expect(Buffer.from(engine.get(records, key) ?? []).toString()).toBe(`mixed ${i}`));
    for (const absent of [
      revision(0),
      revision(1, 3000),
      revision(3),
      revision(2 ** 33, 1),
      Buffer.from('zz'),
      Buffer.alloc(17),
    ]) {
      expect(engine.get(records, absent)).toBeUndefined();
    }
    await dump(engine);
    await engine.close();
    engine = await logEngineOn(disk, PATH);
  }
  await engine.close();
});

test('G23 the floor of an append-only bucket stays when all its rows go', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit([...create, put(1), put(9)]);
  await engine.commit([gone(9)]);
  expect(await engine.last?.(records)).toEqual(revision(9));
  await engine.commit([gone(1)]);
  await engine.compact();
  for (let i = 0; i < 2; i += 1) {
    expect(await engine.last?.(records)).toEqual(revision(9));
    await engine.close();
    engine = await logEngineOn(disk, PATH);
  }
  await expect(engine.commit([put(9)])).rejects.toMatchObject({ code: 'BACKEND_KEY_ORDER' });
  await engine.close();
});

test('G24 pins and scans that are open keep what they show, over compactions that rewrite all of it', async () => {
  const disk = new LogDisk();
  const random = seeded(11);
  const history = new History(random);
  const engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
  const pins: { readonly pin: ReturnType<Engine['pin']>; readonly text: string }[] = [];
  for (const step of range(0, 150)) {
    await engine.commit(history.next());
    if (step % 9 === 0) pins.push({ pin: engine.pin(), text: shown(history.last) });
    if (step % 20 === 19) await engine.compact();
  }
  for (const { pin, text } of pins) expect(shown(await dump(pin))).toBe(text);
  const files = namesOf(disk).length;
  for (const { pin } of pins) pin[Symbol.dispose]();
  await idle();
  expect(namesOf(disk).length).toBeLessThan(files);
  expect(shown(await dump(engine))).toBe(shown(history.last));
  await engine.close();
});

test('G24 law 9 descriptors are bounded: a store of 300 segments', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
  await engine.commit(create);
  for (const main of range(1, 301)) await engine.commit([put(main, new Uint8Array(4096).fill(main & 0xff))]);
  await idle();
  for (let round = 0; round < 2; round += 1) {
    for (const main of range(1, 301)) expect(engine.get(records, revision(main))?.[0]).toBe(main & 0xff);
    expect(disk.openFiles).toBeLessThan(265);
    await engine.close();
    expect(disk.openFiles).toBe(0);
    engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
  }
  await engine.close();
});

test('G25 G26 G28 space of deleted rows comes back by itself, and all of it by compact', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 20 });
  await engine.commit(create);
  const value = new Uint8Array(4000);
  for (const round of range(0, 24))
    await engine.commit(range(round * 250 + 1, round * 250 + 251).map((main) => put(main, value)));
  const full = engine.size;
  for (const round of range(0, 23)) await engine.commit(range(round * 250 + 1, round * 250 + 251).map(gone));
  for (const end = performance.now() + 60_000; engine.size > full / 2 && performance.now() < end;)
    await new Promise(setImmediate);
  expect(engine.size).toBeLessThan(full / 2);
  await engine.compact();
  expect(engine.sizeInUse).toBeLessThanOrEqual(engine.size);
  expect(engine.size).toBeLessThan(engine.sizeInUse * 1.3);
  const onDisk = [...disk.files().values()].reduce((sum, bytes) => sum + bytes.length, 0);
  expect(onDisk).toBeLessThan(engine.size + (2 << 20));
  await engine.close();
});

test('G26 law 9 a hundred opens with commits, deletions and compactions: no growth', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 16 });
  await engine.commit(create);
  let main = 0;
  for (const round of range(0, 100)) {
    await engine.commit(range(0, 10).map(() => put((main += 1), new Uint8Array(100))));
    await engine.commit(range(main - 9, main - 1).map(gone));
    if (round % 3 === 0) await engine.compact();
    await engine.close();
    engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 16 });
  }
  await engine.compact();
  expect(namesOf(disk).length).toBeLessThan(14);
  await engine.close();
});

test('G27 a damaged row that lives leaves its file as it is, with a warning, and is told when it is read', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit([...create, ...range(1, 50).map((main) => put(main, new Uint8Array(200).fill(main)))]);
  await engine.close();
  const files = disk.files();
  const log = files.get(`${PATH}/0000000001.log`)!;
  log[log.indexOf(Buffer.alloc(200, 40)) + 9]! ^= 4;
  log[log.indexOf(Buffer.alloc(200, 3)) + 9]! ^= 4;
  const left = LogDisk.holding(files);
  engine = await logEngineOn(left, PATH);
  await engine.commit(range(1, 40).map(gone)); // the other damaged row is dead now
  await engine.compact();
  expect(engine.warnings).toEqual([expect.stringContaining('the file is left as it is')]);
  expect(engine.get(records, revision(41))).toEqual(new Uint8Array(200).fill(41));
  expect(() => engine.get(records, revision(40))).toThrow(
    expect.objectContaining({ code: 'BACKEND_CORRUPT' }) as Error,
  );
  await engine.commit([gone(40)]);
  await engine.close();
  engine = await logEngineOn(left, PATH);
  await engine.compact();
  expect(engine.warnings).toEqual([]);
  expect(namesOf(left)).not.toContain('0000000001.log');
  await engine.close();
});

test('G29 a value that is a whole segment, or a row of its own file, is a value', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit([...create, put(1)]);
  for (const main of range(2, 8))
    await engine.commit([put(main, disk.files().get(`${PATH}/0000000001.log`)!.subarray(0, 5000))]);
  const text = shown(await dump(engine));
  const left = disk.afterDeath();
  const log = left.files().get(`${PATH}/0000000001.log`)!;
  expect(log.length).toBeGreaterThan(30_000);
  engine = await logEngineOn(left, PATH);
  expect(engine.warnings).toEqual([]);
  expect(shown(await dump(engine))).toBe(text);
  await engine.close();
});

test('law 2 random histories: every state is that of the memory engine, before and after opening anew', async () => {
  for (const seed of range(1, 25)) {
    const history = new History(seeded(seed), 300);
    const disk = new LogDisk();
    const memory = memoryEngine();
    let engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 << (seed % 3) });
    const random = seeded(seed + 5000);
    for (const step of range(0, 40)) {
      const changes = history.next();
      await Promise.all([engine.commit(changes), memory.commit(changes)]);
      if (random() < 0.1) await engine.compact();
      if (random() < 0.1) {
        await engine.close();
        engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
      }
      if (step % 8 !== 7) continue;
      expect(shown(await dump(engine)), `seed ${seed}`).toBe(shown(history.last));
      for (const bucket of [records, words, small]) {
        const bounds = [
          revision(Math.floor(random() * 40)),
          Buffer.from('w00001'),
          revision(30).subarray(0, 8),
          Buffer.from('name-5'),
        ];
        const start = bounds[Math.floor(random() * bounds.length)];
        const end = random() < 0.5 ? undefined : bounds[Math.floor(random() * bounds.length)];
        const scanned = async (from: Engine): Promise<string[]> => {
          const rows: string[] = [];
          for await (const chunk of from.scan(bucket, { start, end, chunkSize: 7 })) {
            for (const { key, value } of chunk)
              rows.push(`${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
          }
          return rows;
        };
        expect(await scanned(engine), `seed ${seed}`).toEqual(await scanned(memory));
      }
    }
    await engine.close();
    await memory.close();
  }
}, 120_000);

test('XE1 R13 the folder moved under an open store ends its commits; two names of a file are kept apart', async () => {
  const path = temporaryPath();
  const engine = await logEngine(path);
  await engine.commit([...create, put(1)]);
  fs.renameSync(path, `${path}-moved`);
  await expect(engine.commit([put(2)])).rejects.toMatchObject({
    code: 'BACKEND_FAILED',
    message: expect.stringContaining('moved'),
  });
  await engine.close();
  const copy = `${path}-copy`;
  fs.mkdirSync(copy);
  for (const name of fs.readdirSync(`${path}-moved`)) fs.linkSync(join(`${path}-moved`, name), join(copy, name));
  const before = fs.readFileSync(join(copy, '0000000001.log'));
  const again = await logEngine(`${path}-moved`);
  await again.commit([put(2)]);
  await again.close();
  expect(fs.readFileSync(join(copy, '0000000001.log')).equals(before)).toBe(true);
  const other = await logEngine(copy);
  expect(other.get(records, revision(2))).toBeUndefined();
  expect(other.get(records, revision(1))).toEqual(Uint8Array.of(1));
  await other.close();
});

test('G5 the seam of files is the only one, and says the code of what fails', async () => {
  await expect(nodeFolders.open(temporaryPath(), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  const path = temporaryPath();
  fs.mkdirSync(path);
  await expect(nodeFolders.open(path, 'read')).rejects.toMatchObject({ code: 'EFTYPE' });
});

async function reopened(engine: Engine, path: string): Promise<Engine> {
  await engine.close();
  return logEngine(path);
}
