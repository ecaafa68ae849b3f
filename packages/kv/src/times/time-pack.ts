/**
 * When the revisions of one block were written, packed into a row.
 *
 *   key     the block (8 bytes, big-endian): revisions 64n to 64n + 63
 *   value   version (1), the first time (varint, milliseconds since 1970), then for each revision up to the last one known a varint:
 *           0 where its time is not known, else 1 and the milliseconds since the known one before it
 *
 * TPK1  Times never go down from one revision to the next.
 * TPK2  A row says of which revisions it knows: what was written while nobody kept times is told apart.
 */
import { BackendError, timesBucket } from '@varve/backend';
import { VarintReader, writeVarint } from '@varve/base/varint';

/** Revisions a row. A commit writes the newest row anew, so more would be written often, and fewer would be much key for little. */
export const BLOCK = 64;
/** Of a revision whose time is not known. */
export const UNKNOWN = -1;

const VERSION = 1;
const MOST_BYTES = 1 + 8 + 8 * BLOCK;
const scratch = new Uint8Array(MOST_BYTES);
const reader = new VarintReader(damaged);

export function blockOf(revision: number): number {
  return Math.floor(revision / BLOCK);
}

export function blockKey(block: number): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.floor(block / 2 ** 32));
  view.setUint32(4, block % 2 ** 32);
  return key;
}

/** @throws BackendError `BACKEND_CORRUPT` */
export function blockOfKey(key: Uint8Array): number {
  if (key.length !== 8) throw damaged('a key that is none');
  const view = new DataView(key.buffer, key.byteOffset, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

/** No time is known. */
export function emptyBlock(): Float64Array {
  return new Float64Array(BLOCK).fill(UNKNOWN);
}

/** The row of a block with a known time; lent until the next call. @param times by place, whole milliseconds */
export function packBlock(times: Float64Array): Uint8Array {
  const last = times.findLastIndex((time) => time !== UNKNOWN);
  let before = times.find((time) => time !== UNKNOWN) ?? 0;
  scratch[0] = VERSION;
  let end = writeVarint(scratch, 1, before);
  for (let place = 0; place <= last; place++) {
    const time = times[place]!;
    if (time === UNKNOWN) scratch[end++] = 0;
    else {
      end = writeVarint(scratch, end, time - before + 1);
      before = time;
    }
  }
  return scratch.subarray(0, end);
}

/** @throws BackendError `BACKEND_CORRUPT` */
export function unpackBlock(row: Uint8Array): Float64Array {
  if (row[0] !== VERSION) throw damaged('a version that is not known');
  const times = emptyBlock();
  reader.bytes = row;
  reader.at = 1;
  let before = reader.number();
  for (let place = 0; reader.at < row.length; place++) {
    if (place === BLOCK) throw damaged('too many times');
    const step = reader.number();
    if (step === 0) continue;
    before += step - 1;
    times[place] = before;
  }
  return times;
}

function damaged(problem: string): BackendError {
  return new BackendError('BACKEND_CORRUPT', `a row of the bucket ${timesBucket.name} is damaged: ${problem}`);
}
