/**
 * Text as bytes, and 64-bit integers as numbers.
 *
 * BYT1  Page ids and offsets are numbers and never pass through 32-bit operators: files are larger than 4 GiB.
 */
import type { Bytes } from '../bolt.ts';

const TWO_32 = 0x1_0000_0000;
const EMPTY: Uint8Array = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * A view of the bytes, or the UTF-8 of a text. Anything else is a `TypeError` that names the argument, and so is half of a
 * surrogate pair: UTF-8 cannot hold it, and many texts would be one key.
 */
export function toBytes(value: Bytes, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a Uint8Array or a string`);
  if (value === '') return EMPTY;
  if ((value as unknown as WellFormed).isWellFormed()) return encoder.encode(value);
  throw new TypeError(`${name} has a surrogate without its partner, which UTF-8 cannot hold: give it as bytes`);
}

/** `String.prototype.isWellFormed`: in every Node we support, not yet in the library of our language level. */
interface WellFormed {
  isWellFormed(): boolean;
}

/** A u64 as a number: inexact above 2^53, so range checks come before use. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** A u64 as it is: for messages, and where a number would not do. */
export function exactU64(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}

/** Stores a whole number below 2^53 as u64. */
export function setU64(view: DataView, at: number, value: number): void {
  if (value < TWO_32) {
    view.setUint32(at, value, true);
    view.setUint32(at + 4, 0, true);
    return;
  }
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

/** A DataView over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
