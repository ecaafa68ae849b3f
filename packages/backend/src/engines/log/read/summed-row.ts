/**
 * Rows of a scan whose bytes are summed up by who asked for them, too: the sum over key and value is the row's check as well.
 *
 * LGSR1  What is given out was checked as a point read checks it (LGRR1): of two sums over the same bytes one is worked out of the other.
 * LGSR2  Who has the sum seldom looks at the value: it is made when it is asked for, each time, and costs nobody else its garbage.
 */
import { crc32cOf } from '@varve/base/crc32c';
import type { Entry } from '../../../contract/engine.ts';
import { corruptError } from '../failure.ts';
import { isPutHead, isRowOf, ROW_HEAD } from '../format/frame.ts';
import type { Run } from '../rows/run.ts';

class SummedRow implements Entry {
  readonly key: Uint8Array;
  readonly sum: number;
  readonly bytes: number;

  constructor(key: Uint8Array, sum: number, bytes: number) {
    this.key = key;
    this.sum = sum;
    this.bytes = bytes;
  }

  get value(): Uint8Array {
    const { key } = this;
    return new Uint8Array(key.buffer, key.byteOffset + key.length, this.bytes - key.length);
  }
}

/**
 * Row `index` of a run, as views of `bytes`.
 * @param words a view of the same bytes, from `bytes[0]` on
 * @param at where in `bytes` the row lies that stands at `place` of its file
 * @throws BackendError `BACKEND_CORRUPT`
 */
export function summedRow(
  bytes: Uint8Array,
  words: DataView,
  at: number,
  run: Run,
  index: number,
  place: number,
): Entry {
  const keyAt = at + ROW_HEAD;
  const keyLength = run.keyLength(index);
  const valueLength = run.valueLength(index);
  const end = keyAt + keyLength + valueLength;
  const sum = crc32cOf(bytes, keyAt, end, 0, words);
  const fits =
    isPutHead(words, at, run.bucket, keyLength, valueLength) && isRowOf(sum, bytes, at, end, run.file.salt, place);
  if (!fits) throw corruptError(run.file.path, `the row at ${place} does not have its checksum`);
  const key = new Uint8Array(bytes.buffer, bytes.byteOffset + keyAt, keyLength);
  return new SummedRow(key, sum, keyLength + valueLength);
}
