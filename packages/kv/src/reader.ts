/**
 * Reads at the present or at one past revision.
 *
 * RD1  A point read is a promise around one synchronous read: it costs no trip, and a turn for others once a slice is over
 *     (law 10).
 * RD2  Long reads go page by page at one revision and hold nothing between two pages; when compaction overtakes them
 *     they end with `MVCC_COMPACTED`, never with a mixture (law 2).
 */
import type { Entry, ListOptions, Page, PageOptions, Range, Reader, SignalOptions } from '@varve/api';
import {
  type Bounds,
  checkNames,
  checkOptionalBoolean,
  checkOptionalInteger,
  checkSignal,
  checkSignalOptions,
  checkSignalType,
  cursorOf,
  keyAfter,
  ownBytes,
  planKeys,
  readCursor,
  type Records,
} from '@varve/api/implement';
import type { TurnSlice } from '@varve/base/pace';
import type { KeyValue, RangeResult } from '@varve/watch';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';
import { entriesOf } from './entries.ts';
import { pullEach, type Source } from './pull.ts';

const listNames = ['limit', 'reverse', 'signal'];
const pageNames = ['limit', 'cursor', 'total', 'reverse', 'signal'];

export class StoreReader<K, V> implements Reader<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  /** `undefined` for the present, which moves. */
  readonly #at: { readonly revision: number } | undefined;

  constructor(core: Core, records: Records<K, V>, revision?: number) {
    this.#core = core;
    this.#records = records;
    this.#at = revision === undefined ? undefined : { revision };
  }

  get(key: K, options?: SignalOptions): Promise<Entry<K, V> | undefined> {
    try {
      this.#core.check();
      if (options !== undefined) checkSignalOptions(options);
      const kv = this.#core.store.get(this.#records.keys.encode(key), this.#at);
      const entry = kv === undefined ? undefined : this.#records.entry(kv, key);
      const { slice } = this.#core.world;
      return slice.callDue(kv === undefined ? 0 : kv.value.length) ? afterTurn(slice, entry) : Promise.resolve(entry);
    } catch (error) {
      return rejected(this.#core.world.slice, error);
    }
  }

  getMany(keys: readonly K[], options: SignalOptions = {}): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#core.call(async () => {
      checkSignalOptions(options);
      const wanted = planKeys(keys, this.#records.keys);
      const { store, world } = this.#core;
      const at = this.#at ?? { revision: store.rev() };
      const entries: (Entry<K, V> | undefined)[] = [];
      for (const { key, bytes } of wanted) {
        if (world.slice.over()) {
          await world.slice.next();
          options.signal?.throwIfAborted();
        }
        const kv = store.get(bytes, at);
        entries.push(kv && this.#records.entry(kv, key));
      }
      return entries;
    });
  }

  list(range: Range<K>, options: ListOptions = {}): AsyncIterable<Entry<K, V>> {
    this.#core.check();
    checkNames(options, 'options', listNames);
    checkOptionalInteger(options.limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
    checkOptionalBoolean(options.reverse, 'reverse');
    checkSignalType(options.signal);
    const bounds = this.#records.keys.bounds(range);
    const { limit = Number.POSITIVE_INFINITY, reverse = false, signal } = options;
    const listing = { bounds, reverse, revision: this.#at?.revision ?? 0, limit, signal };
    return pullEach(this.#core.world.slice, () => new ListSource(this.#core, this.#records, listing));
  }

  page(range: Range<K>, options: PageOptions = {}): Promise<Page<K, V>> {
    return this.#core.call(async () => {
      checkNames(options, 'options', pageNames);
      const { limit = 100, cursor: text, total, reverse = false, signal } = options;
      checkOptionalInteger(limit, 'limit', 1, Number.MAX_SAFE_INTEGER - 1);
      checkOptionalBoolean(total, 'total');
      checkOptionalBoolean(reverse, 'reverse');
      checkSignal(signal);
      const { keys } = this.#records;
      const bounds = keys.bounds(range);
      const walk = { bounds, reverse, space: keys };
      const cursor = text === undefined ? undefined : readCursor(text, walk, this.#at?.revision);
      const asked = cursor?.revision ?? this.#at?.revision ?? this.#core.store.rev();
      // One more than wanted tells whether there is a next page.
      const read = { revision: asked, limit: limit + 1, reverse, signal };
      const { kvs } = await this.#range(cursor === undefined ? bounds : restFrom(cursor.key, bounds, reverse), read);
      const entries = await entriesOf(this.#core.world.slice, this.#records, kvs.slice(0, limit), signal);
      const following = kvs[limit];
      return {
        entries,
        revision: asked,
        ...(following === undefined ? undefined : { next: cursorOf(asked, following.key, walk) }),
        ...(total === true ? { total: await this.#count(bounds, asked, signal) } : undefined),
      };
    });
  }

  count(range: Range<K>, options?: SignalOptions): Promise<number> {
    return this.#core.call(() => {
      if (options !== undefined) checkSignalOptions(options);
      return this.#count(this.#records.keys.bounds(range), this.#at?.revision ?? 0, options?.signal);
    });
  }

  async #count(bounds: Bounds, revision: number, signal: AbortSignal | undefined): Promise<number> {
    return (await this.#range(bounds, { revision, countOnly: true, signal })).count;
  }

  #range(bounds: Bounds, options: Parameters<Core['store']['range']>[2]): Promise<RangeResult> {
    return this.#core.store.range(bounds.key, bounds.end, options);
  }
}

/** What a walk has left of its bounds, `next` being the first of it. */
function restFrom(next: Uint8Array, { key, end }: Bounds, reverse: boolean): Bounds {
  return reverse ? { key, end: keyAfter(next) } : { key: next, end };
}

/** What a walk has left of its bounds behind `last`. */
function restBehind(last: Uint8Array, { key, end }: Bounds, reverse: boolean): Bounds {
  return reverse ? { key, end: ownBytes(last) } : { key: keyAfter(last), end };
}

/** Not the method itself: a promise made by hand costs less than that of an asynchronous function. */
async function afterTurn<T>(slice: TurnSlice, answer: T): Promise<T> {
  await slice.next();
  return answer;
}

async function rejected(slice: TurnSlice, error: unknown): Promise<never> {
  if (slice.callDue(0)) await slice.next();
  throw error;
}

/** What `list` was asked for. */
interface Listing {
  readonly bounds: Bounds;
  readonly reverse: boolean;
  /** 0 for the present of the first pull. */
  readonly revision: number;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** The entries of a range at one revision, chunk by chunk. */
class ListSource<K, V> implements Source<Entry<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #reverse: boolean;
  readonly #signal: AbortSignal | undefined;
  #revision: number;
  #left: number;
  /** What is still to be read; `undefined` after the last chunk. */
  #rest: Bounds | undefined;
  readonly #size = new ChunkSize();
  #chunk: readonly KeyValue[] = [];
  #index = 0;

  constructor(core: Core, records: Records<K, V>, { bounds, reverse, revision, limit, signal }: Listing) {
    this.#core = core;
    this.#records = records;
    this.#reverse = reverse;
    this.#signal = signal;
    this.#revision = revision;
    this.#left = limit;
    this.#rest = bounds;
  }

  take(): Entry<K, V> | undefined {
    const kv = this.#chunk[this.#index];
    if (kv === undefined) return undefined;
    this.#signal?.throwIfAborted();
    this.#core.check();
    this.#index++;
    return this.#records.entry(kv);
  }

  async load(): Promise<boolean> {
    const rest = this.#rest;
    if (rest === undefined || this.#left === 0) return false;
    this.#signal?.throwIfAborted();
    this.#core.check();
    if (this.#revision === 0) this.#revision = this.#core.store.rev();
    const limit = Math.min(this.#size.entries, this.#left);
    const { kvs } = await this.#read(rest, limit);
    const last = kvs.length < limit ? undefined : kvs.at(-1);
    this.#rest = last && restBehind(last.key, rest, this.#reverse);
    this.#left -= kvs.length;
    this.#size.learn(kvs);
    this.#chunk = kvs;
    this.#index = 0;
    return kvs.length > 0;
  }

  close(): void {
    this.#rest = undefined;
    this.#chunk = [];
  }

  async #read({ key, end }: Bounds, limit: number): Promise<RangeResult> {
    const read = { revision: this.#revision, limit, reverse: this.#reverse, signal: this.#signal };
    try {
      return await this.#core.store.range(key, end, read);
    } catch (error) {
      throw this.#core.inOwnWords(error);
    }
  }
}
