/**
 * A store for keyv over any `Kv`: values as keyv has them serialized, under the keys that it has prefixed.
 *
 * KVS1  When a value ends is what keyv wrote beside it, to the millisecond. The lease that its key gets as well is what takes it away
 *       when nobody asks for it any more: whole seconds, rounded up, so never before its time.
 * KVS2  Many keys are written and deleted in pages, a transaction each: at most 128 of them, or half a million characters.
 * KVS3  A name space is a prefix, `name:`, which keyv itself puts before keys; only `clear` and `iterator` ask for it here. One whose name
 *       begins with another's and a colon lies inside that one.
 * KVS4  No error is lost: a call that fails throws, and the one whose error keyv keeps for itself tells the listeners, too.
 */
import { put, remove, type Entry, type Kv } from '@varve/api';
import { deleteEach, getEach, LentStore, pagesOf, type KvOrOpen } from '@varve/api/adapt';
import { invalidType } from '@varve/api/implement';
import { hostWorld } from '@varve/base/host';
import { checkOptions, type Rules } from '@varve/base/options';
import { isWorld, type World } from '@varve/base/world';
import { endOf, secondsOf } from './time-to-live.ts';

export interface KeyvStoreOptions {
  /** The clock that `has` asks. @default that of the process */
  readonly world?: World | undefined;
}

export interface KeyvStoreEntry<V> {
  readonly key: string;
  readonly value: V;
  /** Milliseconds, as for `set`. */
  readonly ttl?: number | undefined;
}

/** Whether each was set. The type that keyv has for it is `void`, while what it does is hand it on. */
export type SetMany = boolean[] & void;

/** What keyv wants of a store. `V` is what keyv serializes to: text, unless it was told otherwise. */
export interface KeyvStore<V = string> extends AsyncDisposable {
  /** For keyv, which asks the dialect whether there is an iterator. */
  readonly opts: Record<string, unknown>;
  /** Set by keyv. */
  namespace?: string | undefined;
  /** What was set, also when its time is over and its lease is not: keyv looks at the time itself. */
  get<T = V>(key: string): Promise<T | undefined>;
  /** All of one revision, each at the place of its key. */
  getMany<T = V>(keys: readonly string[]): Promise<(T | undefined)[]>;
  /** Writes one key; always true. @param ttl milliseconds to live; for ever if there is none, or 0 @throws TypeError `KV_INVALID` for a `ttl` that is no number */
  set(key: string, value: V, ttl?: number): Promise<boolean>;
  /** One transaction, or several where there are many; of a key that comes twice the last value. */
  setMany(entries: readonly KeyvStoreEntry<V>[]): Promise<SetMany>;
  /** Whether it was there. */
  delete(key: string): Promise<boolean>;
  /** Whether all of them were there. */
  deleteMany(keys: readonly string[]): Promise<boolean>;
  /** Deletes the keys of the name space, or all there are where there is none. */
  clear(): Promise<void>;
  /** Whether it is there, and its time is not over. */
  has(key: string): Promise<boolean>;
  /** The same of several keys, all of one revision. */
  hasMany(keys: readonly string[]): Promise<boolean[]>;
  /** The keys of a name space with their values, in order, as one revision left them. */
  iterator<T = V>(namespace?: string): AsyncGenerator<[key: string, value: Awaited<T>], void>;
  /** Closes the store if it was opened here. Calls get `KV_CLOSED` from then on. */
  disconnect(): Promise<void>;
  /** Of `error` a listener hears what a `get` threw; there are no other events. */
  on(event: string, listener: (error: unknown) => void): this;
}

const rules: Rules<KeyvStoreOptions> = { world: isWorld };

/**
 * A store for `new Keyv({ store })`. One that is given open stays open; a function is called at the first use, and what it opens is closed by
 * `disconnect`. One adapter for each Keyv: it has one name space. Several may be over one `Kv`.
 * @throws TypeError `KV_INVALID`
 */
export function keyvStore<V = string>(store: KvOrOpen<Kv<string, V>>, options: KeyvStoreOptions = {}): KeyvStore<V> {
  checkOptions(options, rules, { type: invalidType, range: invalidType });
  return new VarveStore(new LentStore(store), options.world ?? hostWorld);
}

class VarveStore<V> implements KeyvStore<V> {
  // It has a list of dialects whose stores have an iterator; this one is a versioned key space as etcd's is.
  readonly opts: Record<string, unknown> = { dialect: 'etcd' };
  namespace?: string | undefined;
  readonly #store: LentStore<Kv<string, V>>;
  readonly #world: World;
  readonly #listeners = new Set<(error: unknown) => void>();

  constructor(store: LentStore<Kv<string, V>>, world: World) {
    this.#store = store;
    this.#world = world;
  }

  async get<T = V>(key: string): Promise<T | undefined> {
    try {
      // What is stored is what keyv says it is.
      return (await this.#read(key))?.value as T | undefined;
    } catch (error) {
      // Keyv answers `undefined` to its caller, and says nothing of it.
      for (const listener of this.#listeners) listener(error);
      throw error;
    }
  }

  async getMany<T = V>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return (await this.#readMany(keys)).map((entry) => entry?.value as T | undefined);
  }

  async set(key: string, value: V, ttl?: number): Promise<boolean> {
    const choice = { ttl: secondsOf(ttl) };
    await (await this.#store.open()).put(key, value, choice);
    return true;
  }

  async setMany(entries: readonly KeyvStoreEntry<V>[]): Promise<SetMany> {
    const puts = new Map(entries.map(({ key, value, ttl }) => [key, put(key, value, { ttl: secondsOf(ttl) })]));
    const kv = await this.#store.open();
    for (const then of pagesOf(puts.values(), ({ key, value }) => key.length + lengthOf(value))) await kv.txn({ then });
    return entries.map(() => true) as SetMany;
  }

  async delete(key: string): Promise<boolean> {
    return (await (await this.#store.open()).delete(key)).deleted > 0;
  }

  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const kv = await this.#store.open();
    let deleted = 0;
    const doomed = new Set(keys);
    for (const page of pagesOf(doomed, (key) => key.length)) {
      const { results } = await kv.txn({ then: page.map((key) => remove(key)) });
      for (const result of results) deleted += result.deleted;
    }
    return deleted === doomed.size;
  }

  async clear(): Promise<void> {
    const prefix = prefixOf(this.namespace);
    await deleteEach(await this.#store.open(), prefix === undefined ? { all: true } : { prefix });
  }

  async has(key: string): Promise<boolean> {
    return this.#lives(await this.#read(key));
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return (await this.#readMany(keys)).map((entry) => this.#lives(entry));
  }

  async *iterator<T = V>(namespace?: string): AsyncGenerator<[key: string, value: Awaited<T>], void> {
    const prefix = prefixOf(namespace);
    const kv = await this.#store.open();
    for await (const { key, value } of kv.list(prefix === undefined ? {} : { prefix })) {
      yield [key, value as Awaited<T>];
    }
  }

  disconnect(): Promise<void> {
    return this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  on(event: string, listener: (error: unknown) => void): this {
    if (event === 'error') this.#listeners.add(listener);
    return this;
  }

  async #read(key: string): Promise<Entry<string, V> | undefined> {
    return (await this.#store.open()).get(key);
  }

  async #readMany(keys: readonly string[]): Promise<readonly (Entry<string, V> | undefined)[]> {
    return getEach(await this.#store.open(), keys);
  }

  #lives(entry: Entry<string, V> | undefined): boolean {
    if (entry === undefined) return false;
    const end = entry.lease === undefined ? undefined : endOf(entry.value);
    return end === undefined || this.#world.clock.unixMs() <= end;
  }
}

function prefixOf(namespace: string | undefined): string | undefined {
  return namespace === undefined || namespace === '' ? undefined : `${namespace}:`;
}

/** About what the codec of the store will make of it. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    // What is no JSON only the codec knows.
    return 0;
  }
}
