/**
 * Whether the source is still the store whose changes the target has.
 *
 * MSO1  It is another one, or an older copy, where its cluster has another id, where it has not come as far as it had, and where it does not have the
 *       change that the target's note ends with. Then nothing of it is written any more (`KV_REPLACED`).
 * MSO2  What nobody knows is held against nobody: a store in a process has no id, older notes name neither an id nor a change, and what is
 *       compacted cannot be asked for.
 */
import { codeOf, KvError } from '@varve/api';
import { crc32c } from '@varve/base/crc32c';
import { byteKey } from '@varve/base/order';
import type { Batch } from './apply.ts';
import type { ByteKv } from './contract.ts';

/** A key of the source, the revision that put it last, and the CRC-32C of its value; of one moment. */
export interface Newest {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly sum: number;
}

/** What a `Newest` is made of. */
export interface NewPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Longer keys are not noted: the note is written with every transaction. */
const longestKey = 256;

/** Which store the target's note speaks of, so far as is known. */
interface Known {
  readonly clusterId: string | undefined;
  readonly place: { readonly revision: number; readonly newest?: Newest | undefined } | undefined;
  nameSource(clusterId: string | undefined): void;
}

export class Source {
  readonly #store: ByteKv;
  readonly #known: Known;
  readonly #signal: AbortSignal;

  constructor(store: ByteKv, known: Known, signal: AbortSignal) {
    this.#store = store;
    this.#known = known;
    this.#signal = signal;
  }

  /** Where it is, if it is the one that it was. @param least it had come so far @throws KvError `KV_REPLACED` */
  async ask(least: number, signal?: AbortSignal): Promise<number> {
    const { revision, clusterId } = await this.#store.status({ signal });
    const { clusterId: known } = this.#known;
    if (known !== undefined && clusterId !== undefined && clusterId !== known)
      throw replaced(`the source is the cluster ${clusterId}, and the target follows ${known}`);
    if (revision < least)
      throw replaced(`the source is at revision ${revision}, and the target follows one at ${least}`);
    this.#known.nameSource(clusterId);
    return revision;
  }

  /** A store in this process is the one that it is while it is open. */
  async askAgain(least: number): Promise<void> {
    if (this.#known.clusterId !== undefined) await this.ask(least, this.#signal);
  }

  /** Whether it had the newest change that the target has. @throws KvError `KV_REPLACED`, `MVCC_COMPACTED` */
  async checkPast(): Promise<void> {
    const { place } = this.#known;
    if (place?.newest === undefined) return;
    const { key, revision, sum } = place.newest;
    const entry = await this.#store.at(place.revision).get(key, { signal: this.#signal });
    if (entry?.modRevision !== revision || crc32c(entry.value) !== sum)
      throw replaced(`revision ${revision} of the source was another change than the target has of it`);
  }

  /** As `checkPast`; a past that is compacted is not asked for (MSO2). */
  async checkPastIfThere(): Promise<void> {
    try {
      await this.checkPast();
    } catch (error) {
      if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
    }
  }

  /** As `askAgain`. */
  async checkPastAgain(): Promise<void> {
    if (this.#known.clusterId !== undefined) await this.checkPastIfThere();
  }
}

/** The newer one of those that can be noted. */
export function newerOf(known: NewPut | undefined, put: NewPut): NewPut | undefined {
  return put.key.length <= longestKey && put.revision > (known?.revision ?? 0) ? put : known;
}

export function noteOf(put: NewPut | undefined): Newest | undefined {
  return put && { key: put.key, revision: put.revision, sum: crc32c(put.value) };
}

/** The newest put behind these revisions; none where its key was deleted, and nothing was put since. @param before the one before them */
export function newestOf(batches: readonly Batch[], before: Newest | undefined): Newest | undefined {
  let [put, kept]: [NewPut | undefined, Newest | undefined] = [undefined, before];
  for (const { revision, changes } of batches) {
    for (const { op, name } of changes) {
      if (kept !== undefined && byteKey(kept.key) === name) kept = undefined;
      if (op.type === 'put') put = newerOf(put, { key: op.key, value: op.value, revision });
      else if (put !== undefined && byteKey(put.key) === name) put = undefined;
    }
  }
  return noteOf(put) ?? kept;
}

export function replaced(what: string): KvError {
  const advice = 'give the mirror the right source, or another name, under which it compares the whole first';
  return new KvError('KV_REPLACED', `${what}: it is another store, or an older copy of it; ${advice}`);
}
