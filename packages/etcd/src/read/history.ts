/**
 * The retained changes of one key, oldest first, or newest first.
 *
 * EHS1  The present is the moment of the first pull: what is written later is not in it.
 * EHS2  What the compacted revision left of the key comes first; then what a watch of the key brings. Where the key is there at the end, its
 *     last change is known and the watch ends with it; where it is not, the whole store may have to be looked through (bounded-watch.ts).
 * EHS3  The newest first: all are read before the first is given, but no more of them are held than the limit says.
 */
import type { HistoryOptions, Items, KvEvent } from '@varve/api';
import {
  checkHistory,
  decodedEvent,
  pullEach,
  type Bounds,
  type Records,
  type Source,
  type StoredChange,
} from '@varve/api/implement';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { changesBetween } from './bounded-watch.ts';
import { compactedTo } from './compacted.ts';

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): Items<KvEvent<K, V>> {
  core.check();
  checkHistory(options);
  const asked = { ...options };
  const bounds = { key: records.keys.encodeOwn(key), end: undefined };
  return pullEach(core.world.slice, () => new HistorySource(core, records, bounds, asked));
}

class HistorySource<K, V> implements Source<KvEvent<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #bounds: Bounds;
  readonly #options: HistoryOptions;
  #parts: AsyncIterator<readonly StoredChange[]> | undefined;
  #part: readonly StoredChange[] = [];
  #index = 0;
  #left: number;
  #ended = false;

  constructor(core: Core, records: Records<K, V>, bounds: Bounds, options: HistoryOptions) {
    this.#core = core;
    this.#records = records;
    this.#bounds = bounds;
    this.#options = options;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  take(): KvEvent<K, V> | undefined {
    while (this.#left > 0) {
      const change = this.#part[this.#index];
      if (change === undefined) return undefined;
      this.#options.signal?.throwIfAborted();
      this.#core.check();
      this.#index++;
      const event = decodedEvent(this.#records, this.#options.undecodable, change);
      if (event === undefined) continue;
      this.#left--;
      return event;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#ended || this.#left === 0) return false;
    this.#options.signal?.throwIfAborted();
    this.#core.check();
    try {
      this.#parts ??= (this.#options.reverse === true ? this.#newestFirst() : this.#oldestFirst())[
        Symbol.asyncIterator
      ]();
      const { done, value } = await this.#parts.next();
      this.#options.signal?.throwIfAborted();
      if (this.#ended || done === true) return false;
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
    void this.#parts?.return?.().then(undefined, () => undefined);
  }

  async *#oldestFirst(): AsyncGenerator<readonly StoredChange[], void, undefined> {
    const { from, signal } = this.#options;
    const core = this.#core;
    const bounds = this.#bounds;
    const until = await this.#last();
    let start = from ?? 1;
    if (from === undefined) {
      const compacted = await compactedTo(core, bounds, signal);
      if (compacted > 0) {
        const { kvs } = await core.range({ bounds, revision: compacted }, signal);
        const kept = kvs.map((kv): StoredChange => ({ type: 'put', kv: storedRecord(kv) }));
        if (kept.length > 0 && compacted <= until) yield kept;
        start = compacted + 1;
      }
    } else if (from <= until) {
      await core.checkReadable(from, bounds, signal);
    }
    if (start > until) return;
    const { kvs } = await core.range({ bounds, revision: until }, signal);
    const [found] = kvs;
    // Where it is there, its last change is known.
    const end = found === undefined ? until : Number(found.modRevision);
    yield* changesBetween(core, { bounds, from: start, until: end, untilChange: found !== undefined, signal });
  }

  async *#newestFirst(): AsyncGenerator<readonly StoredChange[], void, undefined> {
    // What a codec may refuse takes no place of what is wanted.
    const exact = (this.#options.undecodable ?? 'throw') === 'throw';
    let all: StoredChange[] = [];
    for await (const part of this.#oldestFirst()) {
      all.push(...part);
      if (exact && all.length > 2 * this.#left + 1024) all = all.slice(-this.#left);
    }
    if (all.length > 0) yield all.toReversed();
  }

  /** The present, or the end asked for. @throws KvError `MVCC_FUTURE_REVISION` */
  async #last(): Promise<number> {
    const { until, signal } = this.#options;
    if (until === undefined) return this.#core.present(this.#bounds, signal);
    await this.#core.checkReadable(until, this.#bounds, signal);
    return until;
  }
}
