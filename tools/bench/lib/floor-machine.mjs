// @ts-check
/**
 * What this machine gives for the parts that every put and get is made of, one figure each.
 *
 * FLM1  Reads are of a file in the page cache, as the reads of all peers are. Writes reach the medium: it is synced before the clock stops.
 * FLM2  Encoding is told in processor time, the rest by the clock.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { now } from './metrics.mjs';
import { key, makeValues, N_VALUES, P, Prng } from './gen.mjs';
import { pct, sorted } from './stats.mjs';
import { recordBytes, writeRecord } from './floor-records.mjs';

const MIB = 1 << 20;
const { O_CREAT, O_DSYNC, O_RDWR } = fs.constants;

/** @typedef {(metric: string, value: number, unit: string) => void} Emit */

/** @param {string} dir @param {{ windowMs: number, valueBytes: number, emit: Emit }} options */
export async function measureMachine(dir, { windowMs, valueBytes, emit }) {
  const path = join(dir, 'machine');
  const length = recordBytes(valueBytes);
  const values = makeValues(valueBytes);
  const block = Buffer.alloc(MIB);

  const encodings = Math.floor(MIB / length);
  const keys = Array.from({ length: encodings }, (_, i) => key(P.load, i));
  const encode = () => {
    let at = 0;
    for (let i = 0; i < encodings; i += 1)
      at = writeRecord(block, at, i, /** @type {Buffer} */ (keys[i]), /** @type {Buffer} */ (values[i % N_VALUES]));
  };
  encode();
  let rounds = 0;
  let began = now();
  for (; now() - began < windowMs / 4;) encode(); // until the code is compiled
  const before = process.cpuUsage();
  began = now();
  for (; now() - began < windowMs / 2; rounds += 1) encode();
  const { user, system } = process.cpuUsage(before);
  emit('M.encode', (user + system) / (rounds * encodings), 'us');

  const mebibytes = 128;
  const written = await fsp.open(path, 'w');
  began = now();
  for (let i = 0; i < mebibytes; i += 1) await written.write(block, 0, MIB, i * MIB);
  await written.datasync();
  emit('M.write', mebibytes / ((now() - began) / 1000), 'MiB/s');
  await written.close();

  emit(
    'M.sync',
    await median(
      windowMs,
      async (file, i) => {
        await file.write(block, 0, length, i * length);
        await file.datasync();
      },
      join(dir, 'appended'),
      'w',
    ),
    'us',
  );
  // Into what was written before, as log engines prepare it: no new length, no new blocks.
  const flags = process.platform === 'linux' ? O_RDWR | O_DSYNC : O_RDWR | O_CREAT;
  emit(
    'M.dsync',
    await median(
      windowMs,
      async (file, i) => {
        await file.write(block, 0, length, (i * length) % ((mebibytes - 1) * MIB));
        if (process.platform !== 'linux') await file.datasync();
      },
      path,
      flags,
    ),
    'us',
  );

  const fd = fs.openSync(path, 'r');
  const random = new Prng(5);
  for (const [metric, bytes] of /** @type {const} */ ([
    ['M.pread', length],
    ['M.pread100', 100 * length],
  ])) {
    const places = Array.from({ length: 4096 }, () => random.below((mebibytes - 1) * MIB));
    let count = 0;
    began = now();
    for (; now() - began < windowMs / 2; count += 64)
      for (let j = 0; j < 64; j += 1) fs.readSync(fd, block, 0, bytes, places[(count + j) & 4095] ?? 0);
    emit(metric, ((now() - began) * 1000) / count, 'us');
  }
  fs.closeSync(fd);
}

/**
 * How long a call takes, the middle of those of a window.
 * @param {number} windowMs @param {(file: fsp.FileHandle, i: number) => Promise<void>} call @param {string} path @param {string | number} flags
 */
async function median(windowMs, call, path, flags) {
  const file = await fsp.open(path, flags);
  /** @type {number[]} */
  const took = [];
  const began = now();
  for (let i = 0; now() - began < windowMs; i += 1) {
    const since = now();
    await call(file, i);
    took.push((now() - since) * 1000);
  }
  await file.close();
  return pct(sorted(took), 0.5);
}
