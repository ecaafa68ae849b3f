/**
 * Keys of records that are to be removed together, copied: the rows that they come from are lent, and a batch may go on in the next chunk.
 *
 * KBA1  The bytes as they are, whatever an 18th one says, one behind the other; no object for each.
 */
import { REVISION_LENGTH, TOMBSTONE_LENGTH } from './revision-bytes.ts';

const FIRST_KEYS = 256;

export class KeyBatch {
  length = 0;
  #bytes = new Uint8Array(FIRST_KEYS * TOMBSTONE_LENGTH);
  /** How long each key is. */
  #lengths = new Uint8Array(FIRST_KEYS);
  readonly #short = new Uint8Array(REVISION_LENGTH);
  readonly #long = new Uint8Array(TOMBSTONE_LENGTH);

  /** @param key that `checkRevisionBytes` has passed */
  add(key: Uint8Array): void {
    const n = this.length;
    if (n === this.#lengths.length) this.#grow();
    const at = n * TOMBSTONE_LENGTH;
    for (let i = 0; i < key.length; i++) this.#bytes[at + i] = key[i]!;
    this.#lengths[n] = key.length;
    this.length = n + 1;
  }

  /** Gives each key in memory that is the next one's, too. */
  each(work: (key: Uint8Array) => void): void {
    for (let n = 0; n < this.length; n++) {
      const key = this.#lengths[n] === REVISION_LENGTH ? this.#short : this.#long;
      const at = n * TOMBSTONE_LENGTH;
      for (let i = 0; i < key.length; i++) key[i] = this.#bytes[at + i]!;
      work(key);
    }
  }

  clear(): void {
    this.length = 0;
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#bytes.length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    const lengths = new Uint8Array(2 * this.#lengths.length);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}
