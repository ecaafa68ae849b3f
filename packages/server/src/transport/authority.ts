/**
 * The address that a client of etcd 3.4 writes where HTTP/2 has the name of the host, made into one that Node takes.
 *
 *     :authority: http://localhost:2379      as clientv3 says it where it calls one endpoint: status, hash, defragmentation
 *     :authority: http:--localhost:2379      what Node is given; nobody here reads it
 *
 * SVTA1  Only slashes in the value of `:authority` change, each into a dash, which takes as many bits: no length changes, and the table of
 *     both sides stays one table.
 * SVTA2  What is not understood is left as it is: Node says what is wrong with it.
 *
 * Spec real-clients.md C13. RFC 7541, 5 and 6, appendix B. Node's nghttp2 ends such a stream with PROTOCOL_ERROR, and cannot be told not to; Go's server takes it.
 */

/** The index of `:authority` in the static table. */
const AUTHORITY = 1;
const [SLASH, DASH] = [0x2f, 0x2d];
const HUFFMAN_DASH = 0b010110;
/** Bits of the longest code of a character that is looked at. */
const LONGEST = 15;

/** Changes the bytes of a header block where they name a host with slashes. @returns whether something was changed */
export function mendAuthority(block: Uint8Array): boolean {
  const reader = new Reader(block);
  let changed = false;
  while (reader.at < block.length) {
    const first = block[reader.at]!;
    if (first >= 0x80) {
      if (reader.number(7) === undefined) return changed;
    } else if (first >= 0x20 && first < 0x40) {
      if (reader.number(5) === undefined) return changed;
    } else {
      const index = reader.number(first >= 0x40 ? 6 : 4);
      const name = index === 0 ? reader.text() : undefined;
      const value = index === undefined || (index === 0 && name === undefined) ? undefined : reader.text();
      if (value === undefined) return changed;
      if (index === AUTHORITY && mendText(block.subarray(value.start, value.end), value.isHuffman)) changed = true;
    }
  }
  return changed;
}

interface Text {
  readonly start: number;
  readonly end: number;
  readonly isHuffman: boolean;
}

class Reader {
  readonly #block: Uint8Array;
  at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  /** A number that begins in the last bits of a byte; undefined when it is cut off, or no length that there is. */
  number(bits: number): number | undefined {
    const mask = 2 ** bits - 1;
    let value = this.#block[this.at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#block[this.at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  text(): Text | undefined {
    const first = this.#block[this.at];
    const length = first === undefined ? undefined : this.number(7);
    if (first === undefined || length === undefined) return undefined;
    const start = this.at;
    this.at += length;
    return this.at > this.#block.length ? undefined : { start, end: this.at, isHuffman: first >= 0x80 };
  }
}

function mendText(bytes: Uint8Array, isHuffman: boolean): boolean {
  if (isHuffman) return mendHuffman(bytes);
  let changed = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== SLASH) continue;
    bytes[at] = DASH;
    changed = true;
  }
  return changed;
}

function mendHuffman(bytes: Uint8Array): boolean {
  let changed = false;
  let [code, length] = [0, 0];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    code = code * 2 + ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1);
    length++;
    const symbol = codes.get(codeName(code, length));
    if (symbol === SLASH) {
      for (let back = 0; back < length; back++) setBit(bytes, bit - back, (HUFFMAN_DASH >> back) & 1);
      changed = true;
    }
    if (symbol !== undefined) [code, length] = [0, 0];
    else if (length > LONGEST) return changed;
  }
  return changed;
}

function setBit(bytes: Uint8Array, bit: number, to: number): void {
  const mask = 0x80 >> (bit & 7);
  bytes[bit >> 3] = to === 1 ? bytes[bit >> 3]! | mask : bytes[bit >> 3]! & ~mask;
}

function codeName(code: number, length: number): number {
  return code * 32 + length;
}

/** The characters with a code of 5 to 15 bits, in the order of their codes, which count up. */
const byLength: Readonly<Record<number, string>> = {
  5: '012aceiost',
  6: ' %-./3456789=A_bdfghlmnpru',
  7: ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
  8: '&*,;XZ',
  10: '!"()?',
  11: "'+|",
  12: '#>',
  13: '\0$@[]~',
  14: '^}',
  15: '<`{',
};

const codes: ReadonlyMap<number, number> = codesOf(byLength);

function codesOf(lengths: Readonly<Record<number, string>>): Map<number, number> {
  const found = new Map<number, number>();
  let code = 0;
  for (let length = 5; length <= LONGEST; length++) {
    for (const character of lengths[length] ?? '') found.set(codeName(code++, length), character.charCodeAt(0));
    code *= 2;
  }
  return found;
}
