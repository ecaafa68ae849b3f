/**
 * Reads a LevelDB log (or MANIFEST, which is one) as LevelDB does, but says what LevelDB passes over in silence (R66).
 *
 *   file    blocks of 32 KiB
 *   block   records, none across its end; fewer than 7 bytes left are padding
 *   record  masked CRC-32C of type and bytes (4, little endian) | length (2) | type (1) | bytes
 *   type    1 whole   2 first   3 middle   4 last part of a batch
 *
 * LS1  A batch is given out when every part of it is there and intact.
 * LS2  What is bad up to the end of the file is torn: a crash leaves that. Parts of one batch may follow the bad place,
 *     since the system writes pages back in any order, but no other batch: each is synced before the next begins.
 * LS3  Bad with the start of another batch behind it is damage. LevelDB would skip the rest of the block and go on. A
 *     value may hold what looks like one, such as a stored log: the caller says which batch can have come later.
 * LS4  Memory is one read and the largest batch. The event loop runs between reads.
 * LS5  A log is no longer than LevelDB's largest memory and one batch: a file of holes without end is not read to its end.
 *
 * LevelDB: db/log_format.h, db/log_reader.cc.
 */
import { crc32cOf } from '@varve/base/crc32c';
import type { Files } from '../files.ts';

const BLOCK = 32 * 1024;
const READ = 32 * BLOCK;
const HEADER = 7;
/** LevelDB begins a new log after a gibibyte at most. */
const LONGEST = 2 ** 32;
const ZEROS = new Uint8Array(BLOCK);
const WHOLE = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface LogEnd {
  /** Where the last intact batch ends: the length the file has without what is torn. */
  readonly goodLength: number;
  /** Of the file. */
  readonly length: number;
  readonly batches: number;
  readonly bad?: LogDamage | undefined;
}

interface LogDamage {
  readonly offset: number;
  readonly reason: string;
  /** What a crash may leave (LS2), and LevelDB leaves out by itself. */
  readonly torn: boolean;
}

export interface BatchReader {
  /** Bytes are valid during the call only. May say why this cannot be a batch: no crash does that, its checksums being right. */
  next(batch: Uint8Array): string | undefined;
  /** Whether a batch with this beginning can stand `distance` bytes behind the last intact one, others lost between them. */
  canComeLater(beginning: Uint8Array, distance: number): boolean;
}

/** Gives each batch to the reader, and stops at the first bad record. */
export async function scanLog(files: Files, path: string, batches: BatchReader): Promise<LogEnd> {
  const file = await files.open(path);
  try {
    const reader = new LogReader(batches, file.size);
    if (file.size > LONGEST) {
      const bad = { offset: LONGEST, reason: 'more than any log has', torn: false };
      return { goodLength: 0, length: file.size, batches: 0, bad };
    }
    const buffer = new Uint8Array(Math.min(READ, file.size));
    for (let at = 0; at < file.size;) {
      const filled = await file.read(buffer, at);
      if (filled === 0) break;
      const isEnd = at + filled >= file.size || filled < buffer.length;
      for (let start = 0; start < filled; start += BLOCK) {
        const end = Math.min(start + BLOCK, filled);
        reader.block(buffer.subarray(start, end), at + start, isEnd && end === filled);
        if (reader.isDecided) return reader.end();
      }
      at += filled;
    }
    return reader.end();
  } finally {
    await file.close();
  }
}

class LogReader {
  readonly #reader: BatchReader;
  readonly #length: number;
  #parts: Uint8Array[] | undefined;
  #batchStart = 0;
  #goodLength = 0;
  #batches = 0;
  #bad: LogDamage | undefined;

  constructor(reader: BatchReader, length: number) {
    this.#reader = reader;
    this.#length = length;
  }

  /** True when the rest of the file cannot change the result. */
  get isDecided(): boolean {
    return this.#bad?.torn === false;
  }

  end(): LogEnd {
    if (this.#bad === undefined && this.#parts !== undefined) this.#fail(this.#batchStart, 'the batch has no end');
    return { goodLength: this.#goodLength, length: this.#length, batches: this.#batches, bad: this.#bad };
  }

  block(block: Uint8Array, offset: number, isLast: boolean): void {
    let at = 0;
    while (this.#bad === undefined && block.length - at >= HEADER) {
      const length = recordLength(block, at);
      const end = at + HEADER + length;
      if (end > block.length) return this.#failIn(block, at, offset, isLast ? 'the record is cut off' : 'a bad length');
      const type = block[at + 6] as number;
      if (type === 0 && length === 0) return this.#failIn(block, at, offset, 'zeros instead of a record');
      if (!isIntact(block, at, end)) return this.#failIn(block, at, offset, 'a wrong checksum');
      this.#record(type, block.subarray(at + HEADER, end), offset + at);
      if (this.#bad !== undefined) return this.#failIn(block, end, offset);
      at = end;
      if (this.#parts === undefined) this.#goodLength = offset + at;
    }
    if (this.#bad !== undefined) return this.#lookBehind(block, at, offset);
    const isPadding = block.length === BLOCK || at === block.length;
    if (!isPadding) this.#fail(offset + at, 'the record is cut off');
  }

  #record(type: number, bytes: Uint8Array, offset: number): void {
    const isStart = type === WHOLE || type === FIRST;
    if (isStart && this.#parts !== undefined) {
      this.#fail(this.#batchStart, `the batch has no end, and another one begins at ${offset}`, false);
    } else if (type === WHOLE) {
      this.#batch(bytes, offset);
    } else if (type === FIRST) {
      this.#batchStart = offset;
      this.#parts = [bytes.slice()];
    } else if (this.#parts === undefined || (type !== MIDDLE && type !== LAST)) {
      this.#fail(offset, 'a part of a batch without its beginning');
    } else {
      this.#parts.push(bytes.slice());
      if (type === MIDDLE) return;
      const whole = Buffer.concat(this.#parts);
      this.#parts = undefined;
      this.#batch(whole, this.#batchStart);
    }
  }

  #batch(batch: Uint8Array, offset: number): void {
    const reason = this.#reader.next(batch);
    if (reason === undefined) this.#batches++;
    else this.#fail(offset, reason, false);
  }

  #failIn(block: Uint8Array, at: number, offset: number, reason?: string): void {
    if (reason !== undefined) this.#fail(offset + at, reason);
    this.#lookBehind(block, at + (reason === undefined ? 0 : 1), offset);
  }

  #fail(offset: number, reason: string, torn = true): void {
    this.#bad ??= { offset: this.#parts === undefined ? offset : this.#batchStart, reason, torn };
    this.#parts = undefined;
  }

  /** Tries every byte: the length of the bad record may be what is bad. */
  #lookBehind(block: Uint8Array, from: number, offset: number): void {
    if (this.#bad?.torn !== true) return;
    if (Buffer.compare(block, ZEROS.subarray(0, block.length)) === 0) return; // as where a file grew and nothing came
    for (let at = from; block.length - at >= HEADER; at++) {
      const type = block[at + 6];
      if (type !== WHOLE && type !== FIRST) continue;
      const end = at + HEADER + recordLength(block, at);
      if (end > block.length || end === at + HEADER || !isIntact(block, at, end)) continue;
      if (type === FIRST && end !== BLOCK) continue; // a batch goes on elsewhere only where its block is full
      if (!this.#reader.canComeLater(block.subarray(at + HEADER, end), offset + at - this.#goodLength)) continue;
      const reason = `${this.#bad.reason}, and another batch begins behind it at ${offset + at}`;
      this.#bad = { offset: this.#bad.offset, reason, torn: false };
      return;
    }
  }
}

function recordLength(block: Uint8Array, at: number): number {
  return (block[at + 4] as number) | ((block[at + 5] as number) << 8);
}

function isIntact(block: Uint8Array, at: number, end: number): boolean {
  return readMasked(block, at) === crc32cOf(block, at + 6, end);
}

/** A CRC as LevelDB stores it: rotated and moved, so that a CRC of CRCs is not weak. */
export function readMasked(bytes: Uint8Array, at: number): number {
  const masked =
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24);
  const rotated = (masked - 0xa282ead8) | 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
