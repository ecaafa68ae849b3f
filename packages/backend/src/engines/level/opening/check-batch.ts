/**
 * Looks through one batch of a log: are its operations whole, and does it follow the batch before it?
 *
 *   batch      sequence number of its first operation (8, little endian) | number of operations (4) | operations
 *   operation  1, key, value   or   0, key       each with its length in front
 *
 * The checksums of the log cover every part of a batch, not the order of the parts. LevelDB takes as many operations as
 * it can make sense of, and is content.
 */
import { LevelBytes } from '../level-bytes.ts';
import type { BatchReader } from './check-log.ts';

const SEQUENCE_BYTES = 8;
/** Tag, length of the key, slot: no operation of ours takes less of the log. */
const SHORTEST_OPERATION = 4;

export class BatchSequence implements BatchReader {
  /** Sequence number of the last operation so far; 0 before the first batch. */
  last = 0;
  /** How many there were. */
  operations = 0;
  readonly #before: number | undefined;

  /** @param before sequence number of the last operation before the first batch, where it is known */
  constructor(before?: number) {
    this.#before = before;
  }

  /** Why this cannot be the next batch; `undefined` when it can. */
  next(batch: Uint8Array): string | undefined {
    try {
      const bytes = new LevelBytes(batch);
      const first = bytes.fixed64();
      const count = bytes.fixed32();
      if (this.last !== 0 && first !== this.last + 1) return 'a batch is missing before this one';
      for (let operation = 0; operation < count; operation++) {
        const tag = bytes.byte();
        if (tag > 1) return 'a batch with an unknown operation';
        bytes.skip(bytes.varint());
        if (tag === 1) bytes.skip(bytes.varint());
      }
      if (bytes.left !== 0 || count === 0) return 'a batch with a wrong number of operations';
      this.last = first + count - 1;
      this.operations += count;
      return undefined;
    } catch (error) {
      if (error instanceof RangeError) return 'a batch that makes no sense';
      throw error;
    }
  }

  /** Lost operations lie between, one at least, and no more than there is room for. */
  canComeLater(beginning: Uint8Array, distance: number): boolean {
    const last = this.last === 0 ? this.#before : this.last;
    // Where the numbers are not to be had, the checksum alone has to do: what is damaged must not pass for torn.
    if (last === undefined || beginning.length < SEQUENCE_BYTES) return true;
    const bytes = new LevelBytes(beginning);
    const lost = bytes.fixed32() + bytes.fixed32() * 2 ** 32 - last - 1;
    return lost > 0 && lost <= distance / SHORTEST_OPERATION;
  }
}
