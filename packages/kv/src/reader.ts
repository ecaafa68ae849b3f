/**
 * Reads at the present or at one past revision.
 *
 * RD1  A point read is a promise around one synchronous read: it costs no trip, and a turn for others once a slice is over
 *     (law 10).
 * RD2  Ranges are walked as range-walk.ts says.
 */
import type {
  CountOptions,
  Entry,
  Items,
  KeysOptions,
  ListOptions,
  Page,
  PageOptions,
  Range,
  Reader,
  SignalOptions,
} from '@varve/api';
import {
  checkOptionalBoolean,
  checkSignal,
  checkPointRead,
  cursorOf,
  decodedOr,
  planCount,
  planKeys,
  planRead,
  readCursor,
  type Cursor,
  type Records,
  pullEach,
  entriesOf,
  restFrom,
} from '@varve/api/implement';
import type { TurnSlice } from '@varve/base/pace';
import type { KeyValue } from '@varve/watch';
import type { Core } from './core.ts';
import { collectWalk, countWalk, walkSource, type Walked } from './range-walk.ts';

const pageNames = ['cursor', 'total'];

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
      if (options !== undefined) checkPointRead(options);
      const kv = this.#core.store.get(this.#records.keys.lend(key), this.#at);
      const entry = kv === undefined ? undefined : this.#records.entry(kv, key);
      const { slice } = this.#core.world;
      return slice.callDue(kv === undefined ? 0 : kv.value.length) ? afterTurn(slice, entry) : Promise.resolve(entry);
    } catch (error) {
      return rejected(this.#core.world.slice, error);
    }
  }

  getMany(keys: readonly K[], options: SignalOptions = {}): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#core.call(async () => {
      checkPointRead(options);
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

  list(range: Range<K>, options: ListOptions = {}): Items<Entry<K, V>> {
    const records = this.#records;
    return this.#walk(range, options, false, (kv) => records.entry(kv));
  }

  keys(range: Range<K>, options: KeysOptions = {}): Items<K> {
    const { keys } = this.#records;
    return this.#walk(range, options, true, (kv) => keys.decode(kv.key, kv.modRevision));
  }

  page(range: Range<K>, options: PageOptions = {}): Promise<Page<K, V>> {
    return this.#core.call(async () => {
      const plan = planRead(options, pageNames);
      const { limit = 100, cursor: text, total } = options;
      checkOptionalBoolean(total, 'total');
      const { reverse, how, undecodable, signal } = plan;
      checkSignal(signal);
      const { keys } = this.#records;
      const bounds = keys.bounds(range);
      const walk = { bounds, reverse, space: keys, how };
      const cursor = text === undefined ? undefined : readCursor(text, walk, this.#at?.revision);
      const revision = cursor?.revision ?? this.#at?.revision ?? this.#core.store.rev();
      const walked = { bounds, plan, revision, keysOnly: false };
      const rest = cursor === undefined ? walked : this.#restOf(walked, cursor);
      // One more than wanted tells whether there is a next page.
      const kvs = rest === undefined ? [] : await collectWalk(this.#core, rest, limit + 1);
      const entries = await entriesOf(this.#core.world.slice, this.#records, kvs.slice(0, limit), signal, undecodable);
      const following = kvs[limit];
      const uncut = { ...walked, plan: { ...plan, limit: Number.POSITIVE_INFINITY } };
      return {
        entries,
        revision,
        ...(following === undefined ? undefined : { next: cursorOf(revision, following.key, walk) }),
        ...(total === true ? { total: await countWalk(this.#core, uncut) } : undefined),
      };
    });
  }

  count(range: Range<K>, options: CountOptions = {}): Promise<number> {
    return this.#core.call(() => {
      const plan = planCount(options);
      checkSignal(plan.signal);
      // One revision for all of a count that is taken chunk by chunk.
      const revision = this.#at?.revision ?? this.#core.store.rev();
      return countWalk(this.#core, { bounds: this.#records.keys.bounds(range), plan, revision, keysOnly: true });
    });
  }

  /** What is left of a walk from a cursor on; nothing where somebody made up a key that is not there. */
  #restOf(walked: Walked, { key, revision }: Cursor): Walked | undefined {
    const { bounds, plan } = walked;
    if (plan.orderBy === 'key') return { ...walked, bounds: restFrom(key, bounds, plan.reverse) };
    const from = this.#core.store.get(key, { revision });
    return from && { ...walked, from };
  }

  #walk<T>(range: Range<K>, options: KeysOptions, keysOnly: boolean, decode: (kv: KeyValue) => T): Items<T> {
    this.#core.check();
    const plan = planRead(options);
    const bounds = this.#records.keys.bounds(range);
    const walked = { bounds, plan, revision: this.#at?.revision ?? 0, keysOnly: keysOnly && plan.orderBy !== 'value' };
    const { undecodable = 'throw' } = plan;
    const decoded =
      undecodable === 'throw' ? decode : (kv: KeyValue) => decodedOr(this.#records, undecodable, kv, () => decode(kv));
    return pullEach(this.#core.world.slice, () => walkSource(this.#core, walked, decoded));
  }
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
