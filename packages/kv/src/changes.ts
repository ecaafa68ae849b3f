/**
 * The changes of a key or a range between two revisions, in revision order.
 *
 * KCH1  The end is the present of the first pull, or `until`: the stream is finite whatever is written meanwhile.
 * KCH2  Complete or `MVCC_COMPACTED`: below the compacted revision deletions are gone, and of what that revision itself changed, a
 *     key's earlier changes (decisions/0035; etcd before 3.4.34 drops its deletions, too). So whoever does not know that revision's
 *     state is not told what has changed since.
 * KCH3  A revision is never split: it is given whole, also where the limit is reached in it (law 4).
 */
import { KvError, type ChangesOptions, type Items, type KvEvent, type Selector } from '@varve/api';
import {
  checkChanges,
  contains,
  decodedEvent,
  type Bounds,
  type Records,
  pullEach,
  type Source,
} from '@varve/api/implement';
import type { Change } from '@varve/watch';
import type { Core } from './core.ts';

export function changesOf<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: Selector<K>,
  options: ChangesOptions,
): Items<KvEvent<K, V>> {
  core.check();
  checkChanges(options);
  // Kept by each of their own: the caller may change what was passed.
  const asked = { ...options };
  const bounds = records.keys.select(selector);
  return pullEach(core.world.slice, () => new ChangesSource(core, records, bounds, asked));
}

/** Revisions of the past for what begins now. @throws KvError `MVCC_FUTURE_REVISION`, `MVCC_COMPACTED` */
export function checkReadable(core: Core, revision: number): void {
  const [present, compacted] = [core.store.rev(), core.store.firstRev()];
  if (revision > present) {
    const message = `revision ${revision} does not exist yet; ask for ${present} or earlier`;
    throw new KvError('MVCC_FUTURE_REVISION', message, { currentRevision: present });
  }
  if (revision < compacted) {
    const message = `what has changed since revision ${revision} is not known any more, it is compacted; read the state at ${compacted} or later and go on from there`;
    throw new KvError('MVCC_COMPACTED', message, { compactRevision: compacted });
  }
}

class ChangesSource<K, V> implements Source<KvEvent<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #bounds: Bounds;
  readonly #options: ChangesOptions;
  #chunks: AsyncIterator<readonly Change[]> | undefined;
  #chunk: readonly Change[] = [];
  #index = 0;
  #left: number;
  /** The first revision that was not read yet, and the last one wanted. */
  #next: number;
  #last = 0;
  /** The revision of the event given last. */
  #given = 0;
  #ended = false;

  constructor(core: Core, records: Records<K, V>, bounds: Bounds, options: ChangesOptions) {
    this.#core = core;
    this.#records = records;
    this.#bounds = bounds;
    this.#options = options;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
    this.#next = options.since + 1;
  }

  take(): KvEvent<K, V> | undefined {
    for (let change = this.#chunk[this.#index]; change !== undefined; change = this.#chunk[++this.#index]) {
      if (this.#ended) return undefined;
      if (!contains(this.#bounds, change.kv.key)) continue;
      this.#options.signal?.throwIfAborted();
      this.#core.check();
      const { modRevision } = change.kv;
      if (this.#left <= 0 && modRevision !== this.#given) {
        this.close();
        return undefined;
      }
      const event = decodedEvent(this.#records, this.#options.undecodable, change);
      if (event === undefined) continue;
      this.#left--;
      this.#given = modRevision;
      this.#index++;
      return event;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#ended) return false;
    const { signal } = this.#options;
    signal?.throwIfAborted();
    this.#core.check();
    try {
      this.#chunks ??= this.#begin()[Symbol.asyncIterator]();
      const { done, value } = await this.#chunks.next();
      signal?.throwIfAborted();
      if (this.#ended) return false;
      // A compaction at the very revision that comes next may have taken a part of it (KCH2).
      if (this.#next <= this.#last) checkReadable(this.#core, this.#next - 1);
      if (done === true) return false;
      this.#next = (value.at(-1)?.kv.modRevision ?? this.#last) + 1;
      this.#chunk = value;
      this.#index = 0;
      return true;
    } catch (error) {
      throw this.#core.inOwnWords(error);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunk = [];
    // Gives back what the scan holds; what it says to that is nobody's news.
    void this.#chunks?.return?.().then(undefined, () => undefined);
  }

  #begin(): AsyncIterable<readonly Change[]> {
    const { since, until, signal } = this.#options;
    checkReadable(this.#core, since);
    this.#last = until ?? this.#core.store.rev();
    checkReadable(this.#core, this.#last);
    return this.#core.store.changes(this.#next, this.#last + 1, { signal, chunkSize: 256 });
  }
}
