/**
 * Key bytes as strings and back, the only place where the two meet.
 *
 * BK1  One character per byte (latin1). JavaScript orders strings by code unit, so these strings order as their bytes
 *     do, a proper prefix first, and one comparison costs a fraction of one over two byte arrays.
 * BK2  Both directions copy: a key in the tree shares no memory with any caller.
 */

type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;

// TextDecoder('latin1') means windows-1252 and changes 0x80 to 0x9f. This is what Buffer's own toString calls; taking
// any Uint8Array as `this`, it spares a Buffer for every lookup.
const native: unknown = Reflect.get(Buffer.prototype, 'latin1Slice');
const latin1Slice: Latin1Slice = isLatin1Slice(native) ? native : viaBuffer;

export function toByteKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

export function fromByteKey(key: string): Uint8Array {
  // A short Uint8Array lives on V8's own heap until native code asks for its address, so writing it here is cheaper
  // than any Buffer method.
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Negative, 0 or positive, as sorted-btree wants it. Never NaN: both are strings. */
export function compareByteKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The smallest key above `key`. */
export function nextByteKey(key: string): string {
  return `${key}\0`;
}

function isLatin1Slice(value: unknown): value is Latin1Slice {
  return typeof value === 'function';
}

function viaBuffer(this: Uint8Array): string {
  return Buffer.from(this.buffer, this.byteOffset, this.length).toString('latin1');
}
