// @ts-check
/**
 * The machine's own floor: what remains of each workload when a record is only encoded, summed and written in order, and read by one call at a
 * place that is known. No store: it has no index, checks nothing it reads, and cannot answer what a peer can.
 *
 * FLP1  Puts: encoded and summed into blocks of a mebibyte, written through the pool; synced as the other peers are, after 10,000 or 100 ms.
 * FLP2  Durable puts: what waits is one asynchronous write into space that was written before, with `O_DSYNC` where there is that.
 * FLP3  Gets: one `pread` each; a range of a hundred neighbours is one, too. Opening: the file, read once.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { measureMachine } from '../lib/floor-machine.mjs';
import { numberOf, recordBytes, valueIn, writeRecord } from '../lib/floor-records.mjs';

const MIB = 1 << 20;
const VALUE = 256;
const RECORD = recordBytes(VALUE);
const PREPARED = 64 * MIB;
const isLinux = process.platform === 'linux';

/** @type {import('../lib/contract.d.mts').Peer} */
export const peer = {
  name: 'floor',
  kind: 'no store: what this machine takes to encode, write and read the records alone',
  chains: ['machine', 'load', 'reopen', 'history', 'durable'],
  machine: measureMachine,
  async open(dir, { durable }) {
    return durable === 'every' ? openDurable(join(dir, 'durable')) : openPeriodic(join(dir, 'records'));
  },
};

/** @param {string} path @returns {Promise<import('../lib/contract.d.mts').BenchStore>} */
async function openPeriodic(path) {
  const file = await fsp.open(path, fs.constants.O_RDWR | fs.constants.O_CREAT);
  let count = (await readThrough(file)) / RECORD;
  let block = Buffer.allocUnsafe(MIB);
  let used = 0;
  /** Where the block goes. */
  let at = count * RECORD;
  let sinceSync = 0;
  let syncedAt = performance.now();
  let waiting = 0;
  /** @type {Promise<unknown>} */
  let writing = Promise.resolve();
  /** @param {boolean} syncs */
  const send = (syncs) => {
    const [bytes, length, place] = [block, used, at];
    block = Buffer.allocUnsafe(MIB);
    used = 0;
    at += length;
    waiting += 1;
    if (syncs) {
      sinceSync = 0;
      syncedAt = performance.now();
    }
    writing = writing.then(async () => {
      if (length > 0) await file.write(bytes, 0, length, place);
      if (syncs) await file.datasync();
      waiting -= 1;
    });
    return writing;
  };
  /** @param {Uint8Array} key @param {Uint8Array} value */
  const put = (key, value) => {
    if (used + RECORD > MIB) void send(false);
    count += 1;
    used = writeRecord(block, used, count, key, value);
    sinceSync += 1;
    const isDue = sinceSync >= 10_000 || ((sinceSync & 63) === 0 && performance.now() - syncedAt > 100);
    const sent = isDue ? send(true) : undefined;
    return waiting > 16 ? (sent ?? writing) : undefined;
  };
  const target = Buffer.allocUnsafe(100 * RECORD);
  /** @param {number} number of the record @param {number} records */
  const read = (number, records) => {
    if (number * RECORD >= at) return block.subarray(number * RECORD - at, (number + records) * RECORD - at);
    return target.subarray(0, fs.readSync(file.fd, target, 0, records * RECORD, number * RECORD));
  };
  return {
    put,
    cas: put,
    flush: () => send(true),
    get: (key) => valueIn(read(numberOf(key), 1)),
    range: (key) => read(numberOf(key), 100).length / RECORD,
    rev: () => count,
    getAt: (_, revision) => valueIn(read(revision - 1, 1)),
    async close() {
      await send(true);
      await file.close();
    },
  };
}

/** @param {fsp.FileHandle} file @returns {Promise<number>} bytes */
async function readThrough(file) {
  const bytes = Buffer.allocUnsafe(MIB);
  let at = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, 0, MIB, at);
    if (bytesRead === 0) return at;
    at += bytesRead;
  }
}

/** @param {string} path @returns {Promise<import('../lib/contract.d.mts').BenchStore>} */
async function openDurable(path) {
  const made = await fsp.open(path, 'w');
  for (let at = 0; at < PREPARED; at += MIB) await made.write(Buffer.alloc(MIB), 0, MIB, at);
  await made.sync();
  await made.close();
  const file = await fsp.open(path, fs.constants.O_RDWR | (isLinux ? fs.constants.O_DSYNC : 0));
  let count = 0;
  let at = 0;
  let block = Buffer.allocUnsafe(MIB);
  let used = 0;
  /** @type {Promise<unknown> | undefined} */
  let running;
  /** Of what waits. @type {Promise<unknown> | undefined} */
  let next;
  const write = async () => {
    const [bytes, length] = [block, used];
    block = Buffer.allocUnsafe(MIB);
    used = 0;
    if (at + length > PREPARED) at = 0;
    const place = at;
    at += length;
    await file.write(bytes, 0, length, place);
    if (!isLinux) await file.datasync();
  };
  const begin = () => {
    next = undefined;
    running = write().finally(() => (running = undefined));
    return running;
  };
  return {
    put: () => undefined,
    get: () => undefined,
    flush: async () => running,
    putDurable(key, value) {
      count += 1;
      used = writeRecord(block, used, count, key, value);
      // Others of this tick go with it, as in any group commit.
      next ??= (running ?? Promise.resolve()).then(begin);
      return next;
    },
    close: () => file.close(),
  };
}
