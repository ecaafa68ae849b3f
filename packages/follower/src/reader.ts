/**
 * Reads of a follower: of what it holds here, of everything else at the source.
 *
 * FRD1  The choice is made when a read begins, for the whole of it: no answer is made of both.
 * FRD2  A read of the present is one of the follower's present, also where that is behind; `atLeast` says how new it must be.
 * FRD3  A copy that is replaced does not end a read of the present that is answered as a whole: it is read again. Who iterates is told.
 */
import { codeOf } from '@varve/api';
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
import { checkOptionalInteger, type Bounds, type KeySpace } from '@varve/api/implement';
import type { ReplicaView } from '@varve/kv/layers';
import type { AtLeastOption } from './contract.ts';
import type { FollowerCore } from './core.ts';
import { lateItems } from './late-items.ts';

/** Where keys of one kind are read. */
export interface Places<K, V> {
  readonly here: Pick<ReplicaView<K, V>, keyof Reader<K, V>>;
  readonly there: Reader<K, V>;
  readonly space: KeySpace<K>;
}

/** One copy that is kept takes the place of another in two steps. */
const mostTries = 3;

type Options = (SignalOptions & AtLeastOption) | undefined;

export class FollowerReader<K, V> implements Reader<K, V> {
  readonly #core: FollowerCore;
  readonly #places: Places<K, V>;
  /** 0 for the present. */
  readonly #revision: number;

  constructor(core: FollowerCore, places: Places<K, V>, revision = 0) {
    this.#core = core;
    this.#places = places;
    this.#revision = revision;
  }

  get(key: K, options?: Options): Promise<Entry<K, V> | undefined> {
    if (options === undefined && this.#revision === 0 && this.#core.isLevel && this.#isHere(key))
      return this.#places.here.get(key);
    const asked = plain(options);
    return this.#answer(
      options,
      () => this.#one(key),
      (reader) => reader.get(key, asked),
    );
  }

  getMany(keys: readonly K[], options?: Options): Promise<readonly (Entry<K, V> | undefined)[]> {
    const asked = plain(options);
    // Who calls may change what was passed.
    const own = Array.isArray(keys) ? [...keys] : keys;
    const holds = (): boolean => !Array.isArray(own) || own.every((key) => this.#one(key));
    return this.#answer(options, holds, (reader) => reader.getMany(own, asked));
  }

  list(range: Range<K>, options?: ListOptions & AtLeastOption): Items<Entry<K, V>> {
    const asked = plain(options);
    return this.#items(range, options, (reader) => reader.list(range, asked));
  }

  keys(range: Range<K>, options?: KeysOptions & AtLeastOption): Items<K> {
    const asked = plain(options);
    return this.#items(range, options, (reader) => reader.keys(range, asked));
  }

  async page(range: Range<K>, options?: PageOptions & AtLeastOption): Promise<Page<K, V>> {
    const asked = plain(options);
    const read = (reader: Reader<K, V>): Promise<Page<K, V>> => reader.page(range, asked);
    try {
      return await this.#answer(options, () => this.#many(range), read);
    } catch (error) {
      const code = codeOf(error);
      const isElsewhere = code === 'MVCC_COMPACTED' || code === 'MVCC_FUTURE_REVISION';
      if (asked?.cursor === undefined || !isElsewhere || this.#revision > 0 || this.#core.settings.refuses) throw error;
      // A cursor of a page that the source has given, or of what was here once.
      this.#core.leave(true);
      return read(this.#places.there);
    }
  }

  count(range: Range<K>, options?: CountOptions & AtLeastOption): Promise<number> {
    const asked = plain(options);
    return this.#answer(
      options,
      () => this.#many(range),
      (reader) => reader.count(range, asked),
    );
  }

  /** False also for what is no key. */
  #isHere(key: K): boolean {
    if (this.#core.settings.bounds === undefined) return true;
    try {
      return this.#one(key);
    } catch {
      return false;
    }
  }

  #one(key: K): boolean {
    return this.#holds(() => ({ key: this.#places.space.encode(key), end: undefined }));
  }

  #many(range: Range<K>): boolean {
    return this.#holds(() => this.#places.space.bounds(range));
  }

  /** What is no key or no range is looked at by whoever reads it. */
  #holds(bounds: () => Bounds): boolean {
    return this.#core.settings.bounds === undefined || this.#core.holds(bounds());
  }

  async #answer<T>(options: Options, holds: () => boolean, read: (reader: Reader<K, V>) => Promise<T>): Promise<T> {
    return this.#again(async () => read(await this.#choose(options, holds)));
  }

  /** Read again where another state has taken the place of the one that was read: the present is that one now (FRD3). */
  async #again<T>(ask: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (this.#revision > 0 || codeOf(error) !== 'MVCC_COMPACTED' || tries === mostTries) throw error;
      }
    }
  }

  #items<T>(range: Range<K>, options: Options, read: (reader: Reader<K, V>) => Items<T>): Items<T> {
    this.#core.check();
    // Wrong arguments are told at once, and the caller may change what was passed.
    const here = read(this.#places.here);
    const there = read(this.#places.there);
    const isHeld = this.#many(range);
    const given = options && { ...options };
    const late = lateItems(async () =>
      (await this.#choose(given, () => isHeld)) === this.#places.there ? there : here,
    );
    return { ...late, toArray: () => this.#again(() => late.toArray()) };
  }

  async #choose(options: Options, holds: () => boolean): Promise<Reader<K, V>> {
    const core = this.#core;
    const revision = this.#revision;
    core.check();
    const isHeld = holds();
    const atLeast = atLeastOf(options);
    if (!isHeld) {
      core.leave(false);
      return this.#places.there;
    }
    if (revision === 0) {
      await core.levelWith(atLeast, options?.signal);
      return this.#places.here;
    }
    if (core.settings.refuses || (revision >= core.following.copy.statesFrom && revision <= core.revision))
      return this.#places.here;
    core.leave(true);
    return this.#places.there;
  }
}

/** The options without what only a follower knows. */
function plain<T extends AtLeastOption>(options: T | undefined): Omit<T, 'atLeast'> | undefined {
  if (options === undefined || options === null || !Object.hasOwn(Object(options), 'atLeast')) return options;
  const { atLeast: _, ...rest } = options;
  return rest;
}

function atLeastOf(options: Options): number {
  const atLeast = options?.atLeast;
  checkOptionalInteger(atLeast, 'atLeast', 1, Number.MAX_SAFE_INTEGER);
  return atLeast ?? 0;
}
