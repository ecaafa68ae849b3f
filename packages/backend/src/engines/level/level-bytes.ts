/** LevelDB's numbers: little endian of fixed length, and seven bits a byte. */

export class LevelBytes {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('it ends too early');
    return byte;
  }

  /** @throws RangeError past 2^53 - 1, which no honest file reaches */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 56) throw new RangeError('a number is too large');
      if (byte < 0x80) return value;
    }
  }

  fixed32(): number {
    const bytes = this.take(4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  fixed64(): number {
    const low = this.fixed32();
    const value = this.fixed32() * 2 ** 32 + low;
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large');
    return value;
  }

  skip(length: number): void {
    if (length > this.left) throw new RangeError('it ends too early');
    this.at += length;
  }

  take(length: number): Uint8Array {
    const start = this.at;
    this.skip(length);
    return this.#bytes.subarray(start, this.at);
  }
}
