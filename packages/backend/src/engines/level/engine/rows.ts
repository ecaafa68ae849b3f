/**
 * How a row lies in LevelDB: two bytes for the bucket and the key; the value and a checksum.
 *
 *   LevelDB key    slot (2 bytes, big endian) | key          so a bucket is one range, in byte order of its keys
 *   LevelDB value  value | crc (4 bytes, little endian)      CRC-32C of bucket name, key and value, and the key's length
 *
 * ROW1  Slot 0 is ours: `format`, `commit` and one row `bucket/NAME` a bucket, which makes the layout describe itself.
 * ROW2  Every byte LevelDB gives back is checked here before anybody sees it (R67): LevelDB checks nothing itself.
 * ROW3  Encoded rows lie in one scratch slab and are valid until the next call: LevelDB's batch copies them at once.
 * ROW4  The last row of a commit may carry what the commit tells: value | commit (20 bytes) | crc. Its checksum is kept
 *     with half of its bits inverted, so neither form passes for the other.
 */
import { crc32cOf } from '@varve/base/crc32c';
import { COMMIT_BYTES } from './commit-row.ts';

export const SLOT_BYTES = 2;
export const CRC_BYTES = 4;
/** Inverted in the checksum of a row that carries a commit: four bits of each byte, which no small damage changes. */
const CARRIES = 0x6a5c_93d2;
/** Views of these lengths and less are kept: making one costs more than filling it. */
const KEPT_VIEWS = 2048;
/** Up to so many bytes a loop beats `set`. */
const SHORT_KEY = 32;
/** Larger rows get memory of their own, so that one of them does not leave its size behind. */
const KEPT_BYTES = 1 << 20;

/** A bucket of the store, under the number that stands for its name in LevelDB's keys. */
export interface Slot {
  readonly name: string;
  readonly number: number;
  /** Checksum of the name: where that of each row starts. */
  readonly seed: number;
}

export function makeSlot(name: string, number: number): Slot {
  const bytes = Buffer.from(`${name}\0`);
  return { name, number, seed: crc32cOf(bytes, 0, bytes.length) };
}

/** The last one, so that `boundAfter` needs no third byte. */
export const MAX_SLOT = 0xfffe;

export const SYSTEM: Slot = makeSlot('\0system', 0);

/** Memory that is written again and again, as views of its first n bytes. */
class Scratch {
  #bytes = new Uint8Array(4096);
  #views: Array<Uint8Array | undefined> = [];

  first(length: number): Uint8Array {
    if (length > KEPT_BYTES) return new Uint8Array(length);
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.#views = [];
    }
    if (length > KEPT_VIEWS) return this.#bytes.subarray(0, length);
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }
}

const keys = new Scratch();
const values = new Scratch();

/** LevelDB's key of a row, the row's own being `bytes` from `start` to `end`; valid until the next call. */
export function encodeKey(slot: Slot, bytes: Uint8Array, start: number = 0, end: number = bytes.length): Uint8Array {
  const length = end - start;
  const encoded = keys.first(length + SLOT_BYTES);
  encoded[0] = slot.number >>> 8;
  encoded[1] = slot.number & 0xff;
  if (length > SHORT_KEY) encoded.set(bytes.subarray(start, end), SLOT_BYTES);
  else for (let i = 0; i < length; i++) encoded[SLOT_BYTES + i] = bytes[start + i] as number;
  return encoded;
}

/**
 * LevelDB's value of a row whose key `encodeKey` has just encoded, the row's own being `bytes` from `start` to `end`;
 * valid until the next call.
 * @param commit what the row carries, if it is the last of its commit and an append-only bucket's
 */
export function encodeValue(
  slot: Slot,
  encodedKey: Uint8Array,
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
  commit?: Uint8Array,
): Uint8Array {
  const own = end - start;
  const length = commit === undefined ? own : own + commit.length;
  const encoded = values.first(length + CRC_BYTES);
  encoded.set(own === bytes.length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset + start, own));
  if (commit !== undefined) encoded.set(commit, own);
  const plain = checksum(slot, encodedKey, SLOT_BYTES, encoded, 0, length);
  writeChecksum(encoded, length, commit === undefined ? plain : plain ^ CARRIES);
  return encoded;
}

/**
 * As `encodeValue`, and copies nothing: the checksum goes behind the value, into `CRC_BYTES` bytes that the row has for itself.
 * A view of both.
 * @param words a view of the block
 */
export function sealValue(
  slot: Slot,
  encodedKey: Uint8Array,
  block: Uint8Array,
  start: number,
  end: number,
  words?: DataView,
): Uint8Array {
  writeChecksum(block, end, checksum(slot, encodedKey, SLOT_BYTES, block, start, end, words));
  return new Uint8Array(block.buffer, block.byteOffset + start, end - start + CRC_BYTES);
}

/**
 * The value inside of what LevelDB keeps, as a plain `Uint8Array` on the same memory; `undefined` when it was changed.
 * @param keyed holds the row's key from `keyStart` to its end
 */
export function decodeValue(
  slot: Slot,
  keyed: Uint8Array,
  keyStart: number,
  stored: Uint8Array,
): Uint8Array | undefined {
  return decodeValueIn(slot, keyed, keyStart, stored, 0, stored.length);
}

/** `decodeValue` of `bytes.subarray(start, end)`, without making the view. */
export function decodeValueIn(
  slot: Slot,
  keyed: Uint8Array,
  keyStart: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | undefined {
  const crcAt = end - CRC_BYTES;
  if (crcAt < start) return undefined;
  const differs = checksum(slot, keyed, keyStart, bytes, start, crcAt) ^ checksumAt(bytes, crcAt);
  if (differs !== 0 && differs !== CARRIES) return undefined;
  const valueEnd = differs === 0 ? crcAt : crcAt - COMMIT_BYTES;
  return valueEnd < start ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset + start, valueEnd - start);
}

/** What a row carries of its commit (ROW4); `undefined` when it carries nothing, or was changed. */
export function decodeCommit(
  slot: Slot,
  keyed: Uint8Array,
  keyStart: number,
  stored: Uint8Array,
): Uint8Array | undefined {
  const crcAt = stored.length - CRC_BYTES;
  if (crcAt < COMMIT_BYTES) return undefined;
  const differs = checksum(slot, keyed, keyStart, stored, 0, crcAt) ^ checksumAt(stored, crcAt);
  if (differs !== CARRIES) return undefined;
  return stored.subarray(crcAt - COMMIT_BYTES, crcAt);
}

function writeChecksum(bytes: Uint8Array, at: number, crc: number): void {
  bytes[at] = crc & 0xff;
  bytes[at + 1] = (crc >>> 8) & 0xff;
  bytes[at + 2] = (crc >>> 16) & 0xff;
  bytes[at + 3] = crc >>> 24;
}

function checksumAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The length keeps a byte that moved from the key to the value from going unnoticed. */
function checksum(
  slot: Slot,
  keyed: Uint8Array,
  keyStart: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
  words?: DataView,
): number {
  const overKey = crc32cOf(keyed, keyStart, keyed.length, slot.seed);
  return crc32cOf(value, valueStart, valueEnd, overKey ^ (keyed.length - keyStart), words);
}

/** First LevelDB key at or after `key` in the bucket; not in the scratch slab. */
export function bound(slot: Slot, key: Uint8Array | undefined): Uint8Array {
  const encoded = new Uint8Array(SLOT_BYTES + (key?.length ?? 0));
  encoded[0] = slot.number >>> 8;
  encoded[1] = slot.number & 0xff;
  if (key !== undefined) encoded.set(key, SLOT_BYTES);
  return encoded;
}

/** First LevelDB key behind the bucket. */
export function boundAfter(slot: Slot): Uint8Array {
  const next = slot.number + 1;
  return Uint8Array.of(next >>> 8, next & 0xff);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('hex');
}
