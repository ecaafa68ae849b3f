/** BoltDB files put together by hand, as a stranger could: pages of 4096 bytes, no checksums but those of the meta pages. */
import { storeMark } from '../src/engines/file/recognise.ts';

const PAGE = 4096;
export const NO_LIST: bigint = 2n ** 64n - 1n;

/** An entry of a leaf as it is to stand in the file, true or not. */
export interface HostileEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly bucket?: boolean;
  /** Where its data starts in the page, and how long key and value are: without it, behind the entry before. */
  readonly claims?: readonly [at: number, keyLength: number, valueLength: number];
}

export function leafRun(id: number, entries: readonly HostileEntry[]): Buffer {
  const data = entries.map(({ key, value }) => Buffer.concat([Buffer.from(key), value]));
  const start = 16 + 16 * entries.length;
  const pages = Math.ceil((start + data.reduce((sum, { length }) => sum + length, 0)) / PAGE);
  const run = Buffer.alloc(pages * PAGE);
  run.writeBigUInt64LE(BigInt(id), 0);
  run.writeUInt16LE(2, 8);
  run.writeUInt16LE(entries.length, 10);
  run.writeUInt32LE(pages - 1, 12);
  let end = start;
  for (const [index, { key, value, bucket, claims }] of entries.entries()) {
    const at = 16 + 16 * index;
    const [place, keyLength, valueLength] = claims ?? [end, Buffer.byteLength(key), value.length];
    run.writeUInt32LE(bucket === true ? 1 : 0, at);
    run.writeUInt32LE((place - at) >>> 0, at + 4);
    run.writeUInt32LE(keyLength, at + 8);
    run.writeUInt32LE(valueLength, at + 12);
    const bytes = data[index]!;
    bytes.copy(run, end);
    end += bytes.length;
  }
  return run;
}

/** An entry that is a bucket whose tree begins at this page. */
export function bucketEntry(key: string, root: number): HostileEntry {
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(BigInt(root), 0);
  return { key, value, bucket: true };
}

/** A whole file: these runs from page 2 on, which is the root bucket's. */
export function hostileFile(runs: readonly Buffer[], pages?: number, freelist: bigint = NO_LIST): Buffer {
  const made = runs.reduce((sum, { length }) => sum + length / PAGE, 2);
  const metas = [0, 1].map((page) => metaPage(page, BigInt(pages ?? made), freelist));
  return Buffer.concat([...metas, ...runs]);
}

function metaPage(page: number, highWater: bigint, freelist: bigint): Buffer {
  const meta = Buffer.alloc(PAGE);
  meta.writeBigUInt64LE(BigInt(page), 0);
  meta.writeUInt16LE(4, 8);
  meta.writeUInt32LE(0xed0cdaed, 16);
  meta.writeUInt32LE(2, 20);
  meta.writeUInt32LE(PAGE, 24);
  meta.writeBigUInt64LE(2n, 32);
  meta.writeBigUInt64LE(storeMark, 40); // it says that it is ours, so that it is not left alone for what it holds
  meta.writeBigUInt64LE(freelist, 48);
  meta.writeBigUInt64LE(highWater, 56);
  meta.writeBigUInt64LE(BigInt(2 - page), 64);
  let sum = 0xcbf2_9ce4_8422_2325n;
  for (const byte of meta.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100_0000_01b3n);
  meta.writeBigUInt64LE(sum, 72);
  return meta;
}
