/**
 * Reads at the present or at one past revision.
 *
 * ERD1  A read is one call where it can be, and may be made again by another member: it changes nothing.
 * ERD2  Several keys are read in parts of 128, what one call takes; the first says which revision the others ask for.
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
  pullEach,
  readCursor,
  type Cursor,
  type Records,
  type StoredRecord,
  entriesOf,
  restFrom,
} from '@varve/api/implement';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { recordsOfKeys } from './many.ts';
import { collectWalk, countWalk, walkSource, type Walked } from './range-walk.ts';

const pageNames = ['cursor', 'total'];

export class ClusterReader<K, V> implements Reader<K, V> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  /** 0 for the present, which moves. */
  readonly #revision: number;

  constructor(core: Core, records: Records<K, V>, revision: number = 0) {
    this.#core = core;
    this.#records = records;
    this.#revision = revision;
  }

  get(key: K, options: SignalOptions = {}): Promise<Entry<K, V> | undefined> {
    return this.#core.call(async () => {
      checkPointRead(options);
      const bounds = { key: this.#records.keys.encodeOwn(key), end: undefined };
      const { kvs } = await this.#core.range({ bounds, revision: this.#revision }, options.signal);
      const [found] = kvs;
      return found && this.#records.entry(storedRecord(found), key);
    });
  }

  getMany(keys: readonly K[], options: SignalOptions = {}): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#core.call(async () => {
      checkPointRead(options);
      const wanted = planKeys(keys, this.#records.keys);
      const found = await recordsOfKeys(
        this.#core,
        wanted.map(({ bytes }) => bytes),
        this.#revision,
        options.signal,
      );
      const entries: (Entry<K, V> | undefined)[] = [];
      for (const [i, { key }] of wanted.entries()) {
        if (this.#core.world.slice.over()) await this.#core.world.slice.next();
        const kv = found[i];
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
      const at = this.#revision === 0 ? undefined : this.#revision;
      const cursor = text === undefined ? undefined : readCursor(text, walk, at);
      const walked = { bounds, plan, revision: cursor?.revision ?? this.#revision, keysOnly: false };
      const rest = cursor === undefined ? walked : await this.#restOf(walked, cursor);
      // One more than wanted tells whether there is a next page.
      const read = rest && (await collectWalk(this.#core, rest, limit + 1));
      const { kvs, revision } = read ?? { kvs: [], revision: walked.revision };
      const entries = await entriesOf(this.#core.world.slice, this.#records, kvs.slice(0, limit), signal, undecodable);
      const following = kvs[limit];
      const uncut = { ...walked, revision, plan: { ...plan, limit: Number.POSITIVE_INFINITY } };
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
      const bounds = this.#records.keys.bounds(range);
      return countWalk(this.#core, { bounds, plan, revision: this.#revision, keysOnly: true });
    });
  }

  /** What is left of a walk from a cursor on; nothing where somebody made up a key that is not there. */
  async #restOf(walked: Walked, { key, revision }: Cursor): Promise<Walked | undefined> {
    const { bounds, plan } = walked;
    if (plan.orderBy === 'key') return { ...walked, bounds: restFrom(key, bounds, plan.reverse) };
    const { kvs } = await this.#core.range({ bounds: { key, end: undefined }, revision }, plan.signal);
    const [from] = kvs;
    return from && { ...walked, from: storedRecord(from) };
  }

  #walk<T>(range: Range<K>, options: KeysOptions, keysOnly: boolean, decode: (kv: StoredRecord) => T): Items<T> {
    this.#core.check();
    const plan = planRead(options);
    const bounds = this.#records.keys.bounds(range);
    const walked = { bounds, plan, revision: this.#revision, keysOnly: keysOnly && plan.orderBy !== 'value' };
    const { undecodable = 'throw' } = plan;
    const decoded =
      undecodable === 'throw'
        ? decode
        : (kv: StoredRecord) => decodedOr(this.#records, undecodable, kv, () => decode(kv));
    return pullEach(this.#core.world.slice, () => walkSource(this.#core, walked, decoded));
  }
}
