/**
 * Key bytes as strings, whose order is the order of the bytes, and comparisons for bytes that are not worth a string.
 *
 * One character per byte (latin1). The string shares no memory with its caller, so a range stays as it was registered.
 */

type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;

// What Buffer's own toString calls; taking any Uint8Array as `this`, it spares a Buffer for every change of a write.
const native: unknown = Reflect.get(Buffer.prototype, 'latin1Slice');
const latin1Slice: Latin1Slice = isLatin1Slice(native) ? native : viaBuffer;

export function toByteKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** Negative, zero, positive: the bytes before, equal to, after the key `key` in its string form. */
export function compareToKey(bytes: Uint8Array, key: string): number {
  const length = Math.min(bytes.length, key.length);
  for (let i = 0; i < length; i++) {
    const difference = bytes[i]! - key.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return bytes.length - key.length;
}

function isLatin1Slice(value: unknown): value is Latin1Slice {
  return typeof value === 'function';
}

function viaBuffer(this: Uint8Array): string {
  return Buffer.from(this.buffer, this.byteOffset, this.length).toString('latin1');
}
