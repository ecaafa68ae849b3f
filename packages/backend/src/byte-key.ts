/**
 * Bytes as keys of ordered trees: latin1 strings, whose order is the order of the bytes, and which compare several
 * times faster than byte arrays do.
 */
interface Latin1 {
  readonly latin1Slice: (this: Uint8Array) => string;
}

const { latin1Slice } = Buffer.prototype as unknown as Latin1;

export function byteKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes);
}

/** The bytes of a key made by `byteKey`, in an array of their own. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Negative, zero, positive: `a` before, equal to, after `b`. Beats `Buffer.compare` on keys of this length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i += 1) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
