/**
 * Copies of the bytes that writers bring, cut from large blocks.
 *
 * S1  A copy is never written to again.
 * S2  A small copy has memory of its own: kept in a cache for long, it keeps nothing else alive.
 * S3  A middle-sized copy is a view of a block of 1 MiB, which lives as long as any view of it. Whoever keeps such a
 *     view for long copies it first.
 *
 * A view costs a third of an allocation, and V8 keeps arrays up to 64 bytes within the object, cheaper still.
 */
const blockSize = 1 << 20;
const smallest = 64;
const largest = blockSize / 8;

export class Slab {
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length <= smallest || length > largest) return new Uint8Array(bytes);
    let start = this.#used;
    if (start + length > this.#block.length) {
      // Not from the pool, and not zeroed: every byte that is handed out is written first.
      const { buffer } = Buffer.allocUnsafeSlow(blockSize);
      this.#block = new Uint8Array(buffer);
      start = 0;
    }
    this.#block.set(bytes, start);
    this.#used = start + length;
    return new Uint8Array(this.#block.buffer, start, length);
  }
}
