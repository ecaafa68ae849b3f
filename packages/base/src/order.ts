/**
 * The order of keys: bytes, and the same bytes as latin1 strings.
 *
 * ORD1  One character per byte (latin1). JavaScript orders strings by code unit, so these strings order as their bytes do,
 *       a proper prefix first, and one comparison costs a fraction of one over two byte arrays (decisions/0014).
 * ORD2  Both directions copy: a key shares no memory with any caller.
 * ORD3  Where there is no `Buffer`, as in browsers, `order-portable.ts` makes the strings: the same ones, more slowly.
 */
import { portableByteKey } from './order-portable.ts';

type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;

// What Buffer's own toString calls; taking any Uint8Array as `this`, it spares a Buffer for every lookup.
const latin1Slice: Latin1Slice = findLatin1Slice(globalThis);

function findLatin1Slice(world: { readonly Buffer?: { readonly prototype: object } }): Latin1Slice {
  const native: unknown = world.Buffer && Reflect.get(world.Buffer.prototype, 'latin1Slice');
  return isLatin1Slice(native) ? native : portable;
}

function isLatin1Slice(value: unknown): value is Latin1Slice {
  return typeof value === 'function';
}

function portable(this: Uint8Array, start: number, end: number): string {
  return portableByteKey(start === 0 && end === this.length ? this : this.subarray(start, end));
}

/** The bytes as a string in their order. */
export function byteKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** As `byteKey`, of the bytes from `start` to `end`. */
export function byteKeyOf(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** The bytes of a string made by `byteKey`, in an array of their own. */
export function keyBytes(key: string): Uint8Array {
  // A short Uint8Array lives on V8's own heap until native code asks for its address, so writing it here is cheaper
  // than any Buffer method.
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Negative, zero, positive: `a` before, equal to, after `b`. Never NaN: both are strings. */
export function compareByteKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** From so many bytes on a call into native code pays, where there is one. */
const longRun = 128;
const compareLong = findCompare(globalThis);

function findCompare(world: { readonly Buffer?: object }): ((a: Uint8Array, b: Uint8Array) => number) | undefined {
  const native: unknown = world.Buffer && Reflect.get(world.Buffer, 'compare');
  return isCompare(native) ? native : undefined;
}

function isCompare(value: unknown): value is (a: Uint8Array, b: Uint8Array) => number {
  return typeof value === 'function';
}

/** Negative, zero, positive: `a` before, equal to, after `b`. Beats `Buffer.compare` on keys of usual length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  if (length > longRun && compareLong !== undefined) return compareLong(a, b);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The same for two runs of bytes inside larger arrays: nothing is cut out of them. */
export function compareRuns(
  a: Uint8Array,
  aAt: number,
  aLength: number,
  b: Uint8Array,
  bAt: number,
  bLength: number,
): number {
  const common = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < common; i++) {
    const difference = a[aAt + i]! - b[bAt + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** The same for bytes and a key in its string form: for bytes that are not worth a string. */
export function compareToKey(bytes: Uint8Array, key: string): number {
  const length = Math.min(bytes.length, key.length);
  for (let i = 0; i < length; i++) {
    const difference = bytes[i]! - key.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return bytes.length - key.length;
}

/** The smallest key above `key`, in its string form. */
export function nextByteKey(key: string): string {
  return `${key}\0`;
}

/** The smallest key above `key`, in an array of its own. */
export function nextKey(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/**
 * The first key behind all that begin with `prefix`, in an array of its own.
 * @returns undefined where there is none: an empty prefix, or one of nothing but 0xff
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last--;
  if (last < 0) return undefined;
  // A copy by construction: `slice` of a Buffer would share its bytes.
  const end = new Uint8Array(prefix.subarray(0, last + 1));
  end[last]! += 1;
  return end;
}
