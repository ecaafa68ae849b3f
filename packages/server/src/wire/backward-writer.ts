/**
 * Protobuf messages, written from their end to their beginning: a length stands before what it counts, and is known by then.
 *
 *     [ ........ free ........ | tag len | ... a message that is complete ... ]
 *                              ^ at       fields go in front, last one first
 *
 * SVBW1  One block is used again and again: what `take` gives is good until the next message is begun. grpc-js copies it before
 *     that; who keeps it copies it, too.
 * SVBW2  Zeros, empty bytes and false are left out, as proto3 has it, by the callers' choice of method.
 * SVBW3  Tags are of one byte: fields 1 to 15.
 */
const FIRST_BYTES = 4096;
/** A block that one large answer has made larger is not kept. */
const KEPT_BYTES = 1024 * 1024;

const VARINT = 0;
const DELIMITED = 2;

export class BackwardWriter {
  #block: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = FIRST_BYTES;

  /** Begins a message. */
  begin(): this {
    if (this.#block.length > KEPT_BYTES) this.#block = Buffer.allocUnsafe(FIRST_BYTES);
    this.#at = this.#block.length;
    return this;
  }

  /** Bytes written so far: what `close` wants to know of the place where a message inside this one ends. */
  get length(): number {
    return this.#block.length - this.#at;
  }

  /** The message (SVBW1). */
  take(): Buffer {
    return this.#block.subarray(this.#at);
  }

  /** The beginning of a message inside this one, whose end was at `length`. */
  close(field: number, length: number): void {
    this.#varint(this.length - length);
    this.#byte((field << 3) | DELIMITED);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.raw(value);
    this.#varint(value.length);
    this.#byte((field << 3) | DELIMITED);
  }

  text(field: number, value: string): void {
    if (value !== '') this.bytes(field, Buffer.from(value));
  }

  /** Bytes as they are, without tag or length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#block.set(value, this.#at);
  }

  flag(field: number, value: boolean): void {
    if (value) this.uint(field, 1);
  }

  /** @param value 0 to 2^53 - 1 */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(value);
    this.#byte((field << 3) | VARINT);
  }

  /** A signed or unsigned number of 64 bits. */
  int64(field: number, value: bigint): void {
    if (value === 0n) return;
    const bits = BigInt.asUintN(64, value);
    if (bits <= 0x1f_ffff_ffff_ffffn) {
      this.uint(field, Number(bits));
      return;
    }
    let rest = bits;
    let size = 1;
    for (let more = bits >> 7n; more > 0n; more >>= 7n) size++;
    this.#reserve(size);
    this.#at -= size;
    for (let place = this.#at; size > 0; size--, rest >>= 7n) {
      this.#block[place++] = Number(rest & 0x7fn) | (size > 1 ? 0x80 : 0);
    }
    this.#byte((field << 3) | VARINT);
  }

  #varint(value: number): void {
    let size = 1;
    for (let more = value; more >= 128; more = Math.floor(more / 128)) size++;
    this.#reserve(size);
    this.#at -= size;
    let place = this.#at;
    let rest = value;
    for (; size > 1; size--) {
      this.#block[place++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#block[place] = rest;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#block[--this.#at] = value;
  }

  #reserve(bytes: number): void {
    if (this.#at >= bytes) return;
    const { length } = this;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#block.length, length + bytes));
    this.#block.copy(larger, larger.length - length, this.#at);
    this.#block = larger;
    this.#at = larger.length - length;
  }
}

/** The one that messages are written with: everything is written in one step, so one is enough. */
export const writer: BackwardWriter = new BackwardWriter();
