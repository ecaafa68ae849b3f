/**
 * Changes of the past as a source of events, decoded as they are pulled: what `history` and `changes` of every `Kv` share.
 *
 * EVS1  A revision is never split: it is given whole, also where the limit is reached in it (law 4).
 * EVS2  The present is the moment of the first pull: nothing is read before it.
 * EVS3  Once it is closed nothing more is given, and whoever reads the parts is told, by the `return` of the iterator.
 */
import type { Bounds } from './bounds.ts';
import type { ChangesOptions } from './changes.ts';
import type { KvEvent, Selector } from './kv.ts';
import type { HistoryOptions, Items, UndecodableOption } from './list-options.ts';
import { pullEach, type Source, type StreamOwner } from './pull.ts';
import { checkChanges, checkHistory } from './read-plan.ts';
import type { Records, StoredChange } from './records.ts';
import { decodedEvent } from './undecodable.ts';

/** All changes that are wanted, the oldest first, part by part; a part may be empty. */
type Parts = AsyncIterable<readonly StoredChange[]>;

/** The changes of a key or a range. @param parts told what was asked for, checked */
export function changesOf<K, V>(
  owner: StreamOwner,
  records: Records<K, V>,
  selector: Selector<K>,
  options: ChangesOptions,
  parts: (bounds: Bounds, asked: ChangesOptions) => Parts,
): Items<KvEvent<K, V>> {
  owner.check();
  checkChanges(options);
  // Kept by each of their own: the caller may change what was passed.
  const asked = { ...options };
  const bounds = records.keys.select(selector);
  return pullEach(owner.slice, () => new EventSource(owner, records, asked, () => parts(bounds, asked), false));
}

/** The changes of one key, in either direction. @param parts told what was asked for, checked; in any case the oldest first */
export function historyOf<K, V>(
  owner: StreamOwner,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions,
  parts: (key: Uint8Array, asked: HistoryOptions) => Parts,
): Items<KvEvent<K, V>> {
  owner.check();
  checkHistory(options);
  // Kept, as above.
  const asked = { ...options };
  const bytes = records.keys.encodeOwn(key);
  const inOrder = (): Parts => (asked.reverse === true ? newestFirst(parts(bytes, asked), asked) : parts(bytes, asked));
  return pullEach(owner.slice, () => new EventSource(owner, records, asked, inOrder, true));
}

interface EventsAsked extends UndecodableOption {
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

class EventSource<K, V> implements Source<KvEvent<K, V>> {
  readonly #owner: StreamOwner;
  readonly #records: Records<K, V>;
  readonly #asked: EventsAsked;
  readonly #begin: () => Parts;
  /** No revision has two of them, so that the limit ends it at once. */
  readonly #single: boolean;
  #parts: AsyncIterator<readonly StoredChange[]> | undefined;
  #part: readonly StoredChange[] = [];
  #index = 0;
  #left: number;
  /** The revision of the event given last. */
  #given = 0;
  #ended = false;

  constructor(owner: StreamOwner, records: Records<K, V>, asked: EventsAsked, begin: () => Parts, single: boolean) {
    this.#owner = owner;
    this.#records = records;
    this.#asked = asked;
    this.#begin = begin;
    this.#single = single;
    this.#left = asked.limit ?? Number.POSITIVE_INFINITY;
  }

  take(): KvEvent<K, V> | undefined {
    for (let change = this.#part[this.#index]; change !== undefined; change = this.#part[this.#index]) {
      this.#asked.signal?.throwIfAborted();
      this.#owner.check();
      const { modRevision } = change.kv;
      if (this.#left <= 0 && modRevision !== this.#given) {
        this.close();
        return undefined;
      }
      const event = decodedEvent(this.#records, this.#asked.undecodable, change);
      this.#index++;
      if (event === undefined) continue;
      this.#left--;
      this.#given = modRevision;
      return event;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#ended || (this.#single && this.#left <= 0)) return false;
    const { signal } = this.#asked;
    signal?.throwIfAborted();
    this.#owner.check();
    try {
      this.#parts ??= this.#begin()[Symbol.asyncIterator]();
      const { done, value } = await this.#parts.next();
      signal?.throwIfAborted();
      if (this.#ended || done === true) return false;
      this.#part = value;
      this.#index = 0;
      return true;
    } catch (error) {
      throw await this.#owner.failed(error);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#part = [];
    // Gives back what is held; what that says is nobody's news.
    void this.#parts?.return?.().then(undefined, () => undefined);
  }
}

/** More than are wanted are cut no more often than after so many. */
const pruneEvery = 1024;

/** All of `oldestFirst` as one part, the newest first; of more than the limit no more are held than it says, and some (law 9). */
async function* newestFirst(
  oldestFirst: Parts,
  { limit = Number.POSITIVE_INFINITY, undecodable = 'throw' }: EventsAsked,
): AsyncGenerator<readonly StoredChange[], void, undefined> {
  // What a codec may refuse takes no place of what is wanted.
  const exact = undecodable === 'throw';
  let all: StoredChange[] = [];
  for await (const part of oldestFirst) {
    all.push(...part);
    if (exact && all.length > 2 * limit + pruneEvery) all = all.slice(-limit);
  }
  yield all.toReversed();
}
