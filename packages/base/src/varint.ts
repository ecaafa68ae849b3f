/**
 * Protobuf varints: seven bits a byte, lowest first.
 *
 * VAR1  No BigInt and no 64-bit arithmetic for what fits 2^53 - 1; bit operators only below 2^31.
 * VAR2  Reading never leaves the array: what is cut off or too long is the reader's fault, made by whoever owns the format.
 */

const TWO_31 = 0x8000_0000;

/** Writes a safe integer >= 0 and returns where it ends. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest >= TWO_31) {
    target[end++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    target[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[end++] = rest;
  return end;
}

/** Writes an int64, ten bytes for a negative one, and returns where it ends. */
export function writeInt64(target: Uint8Array, at: number, value: bigint): number {
  if (value >= 0n && value <= 0x1f_ffff_ffff_ffffn) return writeVarint(target, at, Number(value));
  let rest = BigInt.asUintN(64, value);
  let end = at;
  while (rest > 0x7fn) {
    target[end++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  target[end++] = Number(rest);
  return end;
}

/** Reads from `bytes`, from `at` on. One for all records: set both fields, then read. */
export class VarintReader {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Length of what `skipBytes` passed last. */
  length = 0;
  readonly #fault: (problem: string) => Error;

  /** @param fault makes the error of what is thrown, from what is wrong with the bytes, in some words */
  constructor(fault: (problem: string) => Error) {
    this.#fault = fault;
  }

  /** A non-negative safe integer. */
  number(): number {
    const bytes = this.bytes;
    let byte = bytes[this.at++];
    if (byte === undefined) return this.#cut();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; scale < Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      byte = bytes[this.at++];
      if (byte === undefined) return this.#cut();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : this.#large();
    }
    return this.#large();
  }

  int64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) return BigInt(this.#cut());
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    return BigInt(this.#large());
  }

  /** Passes a length and as many bytes; returns where they end. */
  skipBytes(): number {
    this.length = this.number();
    this.at += this.length;
    if (this.at > this.bytes.length) this.#cut();
    return this.at;
  }

  /** Passes a field of the given wire type. */
  skip(wireType: number): void {
    if (wireType === 0) this.int64();
    else if (wireType === 1) this.#pass(8);
    else if (wireType === 2) this.skipBytes();
    else if (wireType === 5) this.#pass(4);
    else throw this.#fault(`wire type ${wireType} at byte ${this.at}`);
  }

  #pass(bytes: number): void {
    this.at += bytes;
    if (this.at > this.bytes.length) this.#cut();
  }

  #cut(): never {
    throw this.#fault(`cut off after ${this.bytes.length} bytes`);
  }

  #large(): never {
    throw this.#fault(`a number beyond 2^53 - 1 before byte ${this.at}`);
  }
}
