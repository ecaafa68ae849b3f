/**
 * One thing damaged in a store: reported, harmless, never read as data (G16). Some hundred damages; `VARVE_LARGE=1` makes it 3,000.
 */
import { basename } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BackendError } from '../src/contract/errors.ts';
import { LogDisk, logEngineOn, seeded, type Random } from './log-disk.ts';
import { dump, History, records, revision, shown } from './log-support.ts';

const damages = process.env['VARVE_LARGE'] === '1' ? 3000 : 400;
const PATH = '/store';
const options = { segmentBytes: 4096 } as const;

interface Made {
  readonly files: ReadonlyMap<string, Buffer>;
  /** The same store some commits before. */
  readonly earlier: ReadonlyMap<string, Buffer>;
  readonly text: string;
}

async function make(seed: number, isClosed: boolean): Promise<Made> {
  const random = seeded(seed);
  const disk = new LogDisk();
  const history = new History(random);
  let engine = await logEngineOn(disk, PATH, options);
  let earlier: ReadonlyMap<string, Buffer> = new Map();
  const commits = 20 + Math.floor(random() * 40);
  for (let i = 0; i < commits; i += 1) {
    await engine.commit(history.next());
    if (random() < 0.06) await engine.compact();
    if (random() < 0.04) {
      await engine.close();
      engine = await logEngineOn(disk, PATH, options);
    }
    if (i === commits - 5) earlier = disk.files();
  }
  const text = shown(history.last);
  await turn(); // ACKED follows in a turn
  const files = disk.files();
  await engine.close();
  return { files: isClosed ? disk.files() : files, earlier, text };
}

const kinds = ['bit', 'byte', 'zeros', 'stale', 'cut', 'longer', 'remove', 'swap', 'other store', 'moved'] as const;

/** @returns what was done; absent: nothing could be */
function damage(
  kind: (typeof kinds)[number],
  files: Map<string, Buffer>,
  made: Made,
  other: Made,
  random: Random,
): string | undefined {
  const names = [...files.keys()];
  const name = names[Math.floor(random() * names.length)]!;
  const bytes = Buffer.from(files.get(name)!);
  const at = Math.floor(random() * bytes.length);
  const length = Math.min(bytes.length - at, 1 + Math.floor(random() * 1024));
  const sector = at - (at % 512);
  if (kind === 'bit') bytes[at]! ^= 1 << Math.floor(random() * 8);
  else if (kind === 'byte') bytes[at] = Math.floor(random() * 256);
  else if (kind === 'zeros') bytes.fill(0, sector, Math.min(bytes.length, sector + 512));
  else if (kind === 'cut') files.set(name, bytes.subarray(0, at));
  else if (kind === 'longer') files.set(name, Buffer.concat([bytes, bytes.subarray(at, at + length)]));
  else if (kind === 'remove') files.delete(name);
  else if (kind === 'moved') bytes.copy(bytes, Math.floor(random() * bytes.length), at, at + length);
  else if (kind === 'stale') {
    const before = made.earlier.get(name);
    if (before === undefined || before.length <= sector) return undefined;
    if (random() < 0.3) files.set(name, before);
    else before.copy(bytes, sector, sector, Math.min(before.length, sector + 512));
  } else if (kind === 'swap') {
    const second = names[Math.floor(random() * names.length)]!;
    files.set(name, Buffer.from(files.get(second)!));
    files.set(second, bytes);
    return `${kind} ${basename(name)} ${basename(second)}`;
  } else {
    const theirs = other.files.get(name);
    if (theirs === undefined) return undefined;
    files.set(name, theirs);
  }
  if (
    ['bit', 'byte', 'zeros', 'moved'].includes(kind) ||
    (kind === 'stale' && files.get(name) !== made.earlier.get(name))
  ) {
    files.set(name, bytes);
  }
  return `${kind} ${basename(name)} at ${at}`;
}

for (const isClosed of [true, false]) {
  test(`G16 G11 G12 G19 R43 damage to a store that was ${isClosed ? 'closed' : 'killed'} is told or harmless`, async () => {
    const outcomes = { same: 0, told: 0 };
    let made = await make(1, isClosed);
    let other = await make(2, isClosed);
    for (let seed = 1; seed <= damages; seed += 1) {
      const random = seeded(seed);
      if (seed % 25 === 0) [made, other] = [await make(seed, isClosed), made];
      const files = new Map(made.files);
      const what = `seed ${seed}: ${damage(kinds[seed % kinds.length]!, files, made, other, random)}`;
      const disk = LogDisk.holding(files);
      let engine;
      try {
        engine = await logEngineOn(disk, PATH, { ...options, create: false });
        const text = shown(await dump(engine));
        expect(text === made.text, `${what}: ${JSON.stringify(engine.warnings)}`).toBe(true);
        outcomes.same += 1;
      } catch (error) {
        if (!(error instanceof BackendError)) throw new Error(what, { cause: error });
        expect(['BACKEND_CORRUPT', 'BACKEND_FOREIGN', 'BACKEND_VERSION', 'BACKEND_NOT_FOUND'], what).toContain(
          error.code,
        );
        outcomes.told += 1;
        if (engine === undefined) {
          for (const [name, bytes] of files)
            expect(disk.files().get(name)?.equals(bytes), `${what}: ${name}`).toBe(true);
        }
      }
      await engine?.close();
    }
    expect(outcomes.told).toBeGreaterThan(damages / 5);
    expect(outcomes.same).toBeGreaterThan(damages / 10);
  }, 3_600_000);
}

test('G16 verify reads every byte: damage in a row that nobody reads is told at the open', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  for (let main = 1; main <= 20; main += 1) {
    await engine.commit([{ type: 'put', bucket: records, key: revision(main), value: new Uint8Array(100).fill(main) }]);
  }
  await engine.close();
  const files = disk.files();
  const log = files.get(`${PATH}/0000000001.log`)!;
  log[log.indexOf(Buffer.alloc(100, 5)) + 50]! ^= 1;
  const left = LogDisk.holding(files);
  const quick = await logEngineOn(left, PATH);
  await expect(dump(quick)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  await quick.close();
  await expect(logEngineOn(LogDisk.holding(files), PATH, { verify: true })).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
  });
});

test('G11 a whole frame behind one that is not is damage in the middle, told with its place; nothing is changed', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  for (let main = 1; main <= 3; main += 1) {
    await engine.commit([{ type: 'put', bucket: records, key: revision(main), value: new Uint8Array(10).fill(main) }]);
  }
  const files = disk.files();
  const log = files.get(`${PATH}/0000000001.log`)!;
  const second = log.indexOf('FRM1', log.indexOf('FRM1') + 1);
  log[second + 40]! ^= 1;
  files.delete(`${PATH}/ACKED`);
  const left = LogDisk.holding(files);
  await expect(logEngineOn(left, PATH)).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
    message: expect.stringContaining(`0000000001.log is damaged: the frame at ${second} is not whole`),
  });
  expect(left.files().get(`${PATH}/0000000001.log`)?.equals(log)).toBe(true);
  await engine.close();
});

test('G12 zeros over the last acknowledged frame are not the end of the log', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  await engine.commit([{ type: 'put', bucket: records, key: revision(1), value: new Uint8Array(10) }]);
  await turn(); // ACKED follows in a turn
  const files = disk.files();
  const log = files.get(`${PATH}/0000000001.log`)!;
  log.fill(0, log.lastIndexOf('FRM1'));
  await expect(logEngineOn(LogDisk.holding(files), PATH)).rejects.toMatchObject({
    code: 'BACKEND_CORRUPT',
    message: expect.stringContaining('commit 2 was acknowledged, and the log ends with 1'),
  });
  // What is lost with the file is that, and it is said.
  files.delete(`${PATH}/ACKED`);
  const again = await logEngineOn(LogDisk.holding(files), PATH);
  expect(again.warnings).toEqual([expect.stringContaining('whether the newest commits are all there cannot be told')]);
  expect(again.get(records, revision(1))).toBeUndefined();
  await again.close();
  await engine.close();
});

test('G11 G14 a torn tail that nobody was promised is left out with a warning, kept beside, and gone for good', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  disk.before = ({ kind, isDurable }) => (kind === 'write' && isDurable ? 'EIO' : undefined); // half of it gets there
  const value = new Uint8Array(5000).fill(7);
  await expect(engine.commit([{ type: 'put', bucket: records, key: revision(1), value }])).rejects.toThrow();
  disk.before = undefined;
  const left = disk.afterDeath();
  const again = await logEngineOn(left, PATH);
  expect(again.warnings).toEqual([expect.stringContaining('incomplete')]);
  expect(again.get(records, revision(1))).toBeUndefined();
  await again.commit([{ type: 'put', bucket: records, key: revision(1), value: Uint8Array.of(1) }]);
  await again.close();
  expect(left.files().get(`${PATH}/0000000001.tail`)?.length).toBeGreaterThan(1000);
  const third = await logEngineOn(left, PATH);
  expect(third.warnings).toEqual([]);
  expect(third.get(records, revision(1))).toEqual(Uint8Array.of(1));
  await third.close();
  await engine.close();
});
