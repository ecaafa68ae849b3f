/**
 * A key that is looked for, read once: as a revision, where it is one.
 *
 *   8 main, big-endian   1 '_'   8 sub, big-endian   [1 't', a tombstone]
 *
 * LGPB1  Numbers compare as the bytes do: (main, sub, mark), the longer key behind the shorter.
 */

const UNDERSCORE = 0x5f;
const MARK = 0x74;
const MOST_MAIN_HIGH = 2 ** 21;
const NO_BYTES = new Uint8Array(0);

export class Probe {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** Whether `main`, `sub` and `mark` say all of it. */
  isRevision = false;
  main = 0;
  sub = 0;
  mark = 0;

  /** Another key's bytes, and nothing read of them: for who only compares bytes. */
  point(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  set(bytes: Uint8Array, start: number = 0, end: number = bytes.length): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    const length = end - start;
    this.isRevision = false;
    if ((length !== 17 && length !== 18) || bytes[start + 8] !== UNDERSCORE) return this;
    if (length === 18 && bytes[start + 17] !== MARK) return this;
    const high = word(bytes, start);
    if (high >= MOST_MAIN_HIGH || word(bytes, start + 9) !== 0) return this;
    // Without a multiplication where there is nothing to multiply: what comes of one is an object for each key.
    const low = word(bytes, start + 4);
    this.main = high === 0 ? low : high * 2 ** 32 + low;
    this.sub = word(bytes, start + 13);
    this.mark = length - 17;
    this.isRevision = true;
    return this;
  }
}

/** Writes the key of a revision; how long it is. */
export function writeRevision(into: Uint8Array, main: number, sub: number, mark: number): number {
  setWord(into, 0, Math.floor(main / 2 ** 32));
  setWord(into, 4, main >>> 0);
  into[8] = UNDERSCORE;
  setWord(into, 9, 0);
  setWord(into, 13, sub);
  if (mark === 1) into[17] = MARK;
  return 17 + mark;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
