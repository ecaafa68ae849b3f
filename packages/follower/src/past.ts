/**
 * Whether a source is the one that was copied.
 *
 * PAS1  Compared are the key that was written last, and how many keys there are, at the revision of the copy: where two stores have gone apart, that
 *       key is of one of them, whichever else they have in common. The source is asked for one key and a count.
 */
import { codeOf, KvError, type Entry, type KvEvent, type Range } from '@varve/api';
import { compareBytes } from '@varve/api/implement';
import type { ReplicaRecord, ReplicaView } from '@varve/kv/layers';
import type { ByteKv } from './contract.ts';

type ByteEntry = Entry<Uint8Array, Uint8Array>;

export class Past {
  readonly #source: ByteKv;
  readonly #view: ReplicaView<Uint8Array, Uint8Array>;
  readonly #range: Range<Uint8Array>;
  /** The key that was written last of those that are there; undefined where that must be looked for. */
  #newest: Uint8Array | undefined;

  /** @param view all of the copy @param range what of the source is copied */
  constructor(source: ByteKv, view: ReplicaView<Uint8Array, Uint8Array>, range: Range<Uint8Array>) {
    this.#source = source;
    this.#view = view;
    this.#range = range;
  }

  /** These records have taken the place of the copy. */
  filled(records: readonly ReplicaRecord[]): void {
    let newest: ReplicaRecord | undefined;
    for (const record of records) if (newest === undefined || record.modRevision > newest.modRevision) newest = record;
    this.#newest = newest?.key;
  }

  /** These changes have come to the copy. */
  followed(events: readonly KvEvent<Uint8Array, Uint8Array>[]): void {
    for (const { type, key } of events) {
      if (type === 'put') this.#newest = key;
      else if (this.#newest !== undefined && compareBytes(key, this.#newest) === 0) this.#newest = undefined;
    }
  }

  /**
   * What the copy has must be what the source had there.
   * @param revision that of the copy
   * @throws KvError `KV_REPLACED`; `MVCC_COMPACTED` where it cannot be read any more; what the source says
   */
  async check(revision: number, signal: AbortSignal): Promise<void> {
    if (revision <= 1) return;
    const [here, there] = [this.#view.at(revision), this.#source.at(revision)];
    const total = await there.count(this.#range, { signal });
    let isSame = total === (await here.count({}));
    if (isSame && total > 0) {
      this.#newest ??= (await here.page({}, { limit: 1, reverse: true, orderBy: 'modRevision' })).entries[0]?.key;
      const newest = this.#newest!;
      isSame = isEqual(await there.get(newest, { signal }), await here.get(newest));
    }
    if (!isSame) throw replaced(`at revision ${revision} the source had other keys than what was copied`);
  }
}

/** What is compacted cannot be compared; a state that is copied whole is right all the same. */
export function unlessCompacted(error: unknown): void {
  if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
}

export function replaced(what: string): KvError {
  return new KvError('KV_REPLACED', `${what}: it is another store, or an older copy of it; open another follower`);
}

function isEqual(a: ByteEntry | undefined, b: ByteEntry | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.version === b.version &&
    compareBytes(a.value, b.value) === 0
  );
}
