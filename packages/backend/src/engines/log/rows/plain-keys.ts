/** Keys of any shape, packed one behind the other, in ascending order; grows at the end. For runs whose keys are no revisions. */
export class PlainKeys {
  bytes: Uint8Array;
  /** Where key i begins; one more says where the last one ends. */
  starts: Uint32Array;

  constructor(bytes: Uint8Array = new Uint8Array(1024), starts: Uint32Array = new Uint32Array(65)) {
    this.bytes = bytes;
    this.starts = starts;
  }

  push(index: number, from: Uint8Array, start: number, end: number): void {
    const at = this.starts[index]!;
    const used = at + end - start;
    if (used > this.bytes.length) {
      const grown = new Uint8Array(Math.max(used, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    if (index + 2 > this.starts.length) {
      const grown = new Uint32Array(this.starts.length * 2);
      grown.set(this.starts);
      this.starts = grown;
    }
    for (let i = start; i < end; i += 1) this.bytes[at + i - start] = from[i]!;
    this.starts[index + 1] = used;
  }

  length(index: number): number {
    return this.starts[index + 1]! - this.starts[index]!;
  }

  key(index: number): Uint8Array {
    return this.bytes.slice(this.starts[index], this.starts[index + 1]);
  }

  compare(index: number, other: Uint8Array, otherStart: number, otherEnd: number): number {
    const { bytes, starts } = this;
    const start = starts[index]!;
    const length = starts[index + 1]! - start;
    const otherLength = otherEnd - otherStart;
    const common = length < otherLength ? length : otherLength;
    for (let i = 0; i < common; i += 1) {
      const difference = bytes[start + i]! - other[otherStart + i]!;
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }
}
