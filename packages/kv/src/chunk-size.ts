/**
 * How many entries of a long range are read at a time: as many as made about a megabyte last time, so that large values
 * cost no more memory than small ones (law 9).
 */
import type { KeyValue } from '@varve/watch';

/** Before anything is known of the sizes. */
const firstEntries = 16;
/** One slice of the store. */
const mostEntries = 256;
const wantedBytes = 1024 * 1024;

export class ChunkSize {
  #entries = firstEntries;

  get entries(): number {
    return this.#entries;
  }

  /** Tells what the last chunk held. */
  learn(kvs: readonly KeyValue[]): void {
    let bytes = 1;
    for (const { key, value } of kvs) bytes += key.length + value.length;
    const fitting = Math.floor((wantedBytes * kvs.length) / bytes);
    this.#entries = Math.min(Math.max(fitting, 1), mostEntries);
  }
}
