/**
 * How bytes leave the package: as copies that belong to the caller, or as views of pages.
 *
 * BY1  What leaves is a plain `Uint8Array`: a Buffer's `slice` would share memory and surprise.
 * BY2  Small copies share slabs of 16 KiB: allocating each costs several times the copy.
 */

/** Takes `source[at, at + length)` out. */
export type GiveBytes = (source: Buffer, at: number, length: number) => Uint8Array;

const SLAB = 16_384;
const LARGEST_SHARED = 2048;
let slab = new ArrayBuffer(SLAB);
let used = 0;

/** A copy that belongs to the caller. */
export function copyBytes(source: Buffer, at: number, length: number): Uint8Array {
  if (length > LARGEST_SHARED) {
    const own = new Uint8Array(length);
    source.copy(own, 0, at, at + length);
    return own;
  }
  if (used + length > SLAB) {
    slab = new ArrayBuffer(SLAB);
    used = 0;
  }
  const copy = new Uint8Array(slab, used, length);
  used += length;
  if (length < 48) for (let i = 0; i < length; i++) copy[i] = source[at + i] as number;
  else source.copy(copy, 0, at, at + length);
  return copy;
}

/** A view of the page: the caller must not write to it. */
export function borrowBytes(source: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(source.buffer, source.byteOffset + at, length);
}
