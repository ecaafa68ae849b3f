/**
 * The changes of a key or a range between two revisions, in revision order.
 *
 * ECH1  The end is the present of the first pull, or `until`: the stream is finite whatever is written meanwhile.
 * ECH2  Complete or `MVCC_COMPACTED`: after each part it is asked whether the revision before it can still be read (KCH2 of kv: a
 *     compaction at the very revision that comes next may have taken a part of it).
 * ECH3  A revision is never split: it is given whole, also where the limit is reached in it (law 4).
 */
import type { ChangesOptions, Items, KvEvent, Selector } from '@varve/api';
import {
  checkChanges,
  decodedEvent,
  pullEach,
  type Bounds,
  type Records,
  type Source,
  type StoredChange,
} from '@varve/api/implement';
import type { Core } from '../core.ts';
import { changesBetween } from './bounded-watch.ts';

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

class ChangesSource<K, V> implements Source<KvEvent<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #bounds: Bounds;
  readonly #options: ChangesOptions;
  #parts: AsyncIterator<readonly StoredChange[]> | undefined;
  #part: readonly StoredChange[] = [];
  #index = 0;
  #left: number;
  /** The revision of the event given last. */
  #given: number;
  #ended = false;

  constructor(core: Core, records: Records<K, V>, bounds: Bounds, options: ChangesOptions) {
    this.#core = core;
    this.#records = records;
    this.#bounds = bounds;
    this.#options = options;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
    this.#given = options.since;
  }

  take(): KvEvent<K, V> | undefined {
    for (let change = this.#part[this.#index]; change !== undefined; change = this.#part[this.#index]) {
      if (this.#ended) return undefined;
      this.#options.signal?.throwIfAborted();
      this.#core.check();
      const { modRevision } = change.kv;
      if (this.#left <= 0 && modRevision !== this.#given) {
        this.close();
        return undefined;
      }
      const event = decodedEvent(this.#records, this.#options.undecodable, change);
      this.#index++;
      if (event === undefined) continue;
      this.#left--;
      this.#given = modRevision;
      return event;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#ended) return false;
    const { since, signal } = this.#options;
    signal?.throwIfAborted();
    this.#core.check();
    try {
      this.#parts ??= (await this.#begin())[Symbol.asyncIterator]();
      const { done, value } = await this.#parts.next();
      signal?.throwIfAborted();
      if (this.#ended) return false;
      if (done !== true) await this.#core.checkReadable(Math.max(since, this.#given), this.#bounds, signal);
      if (done === true) return false;
      this.#part = value;
      this.#index = 0;
      return true;
    } catch (error) {
      throw await this.#core.explained(error);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#part = [];
    // Gives back the watcher; what it says to that is nobody's news.
    void this.#parts?.return?.().then(undefined, () => undefined);
  }

  async #begin(): Promise<AsyncIterable<readonly StoredChange[]>> {
    const { since, until, signal } = this.#options;
    const core = this.#core;
    await core.checkReadable(since, this.#bounds, signal);
    const present = core.calls.seen;
    if (until !== undefined && until > present) await core.checkReadable(until, this.#bounds, signal);
    const last = until ?? (await core.present(this.#bounds, signal));
    return changesBetween(core, { bounds: this.#bounds, from: since + 1, until: last, signal });
  }
}
