/**
 * The hashes that compactions left: the ten of the newest revisions.
 *
 * etcd: server/storage/mvcc/hash.go, hashStorage (spec section 12.4, row M87). Departs: emptied by restore (D6).
 */
export interface StoredHash {
  readonly hash: number;
  readonly compactRevision: number;
  readonly revision: number;
}

const CAPACITY = 10;

export class HashStorage {
  /** Ascending by revision. */
  #hashes: readonly StoredHash[] = [];

  /** Adds one; when that is one too many, the smallest revision goes, be it the new one. */
  store(hash: StoredHash): void {
    const others = this.#hashes.filter((other) => other.revision !== hash.revision);
    this.#hashes = [...others, hash].toSorted((a, b) => a.revision - b.revision).slice(-CAPACITY);
  }

  get(revision: number): StoredHash | undefined {
    return this.#hashes.find((hash) => hash.revision === revision);
  }

  list(): readonly StoredHash[] {
    return this.#hashes;
  }
}
