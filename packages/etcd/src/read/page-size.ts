/** How many entries of a long range are asked for at a time: as many as made about half a megabyte last time (law 9). */
import type { KeyValue } from '@varve/etcd-api';

/** Before anything is known of the sizes: a trip to the cluster costs more than this many small entries. */
const firstEntries = 128;
const mostEntries = 4096;
const wantedBytes = 512 * 1024;

export class PageSize {
  #entries = firstEntries;

  get entries(): number {
    return this.#entries;
  }

  /** Tells what the last page held. */
  learn(kvs: readonly KeyValue[]): void {
    if (kvs.length === 0) return;
    let bytes = 1;
    for (const { key, value } of kvs) bytes += key.length + value.length + 32;
    this.#entries = Math.min(Math.max(Math.floor((wantedBytes * kvs.length) / bytes), 1), mostEntries);
  }
}
