/** What the scenarios share: a bench that opens and closes stores, and short words for what comes out of them. */
import { utf8, type Codec, type KeyCodec } from '../codec.ts';
import type { Entry, Kv, KvEvent, WatchBatch } from '../kv.ts';

/** How keys and values are stored. */
export interface Codecs<K, V> {
  readonly key: KeyCodec<K>;
  readonly value: Codec<V>;
}

export type OpenKv = <K = string, V = string>(codecs: Codecs<K, V>) => Promise<Kv<K, V>>;
export type ReopenKv = (closed: Kv) => Promise<Kv>;

export interface Scenario {
  /** Group and name; stable, for `knownGaps`. */
  readonly key: string;
  /** What must hold. */
  readonly title: string;
  /** Only for stores that outlive `close`. */
  readonly reopens?: boolean;
  /** @param kv new and empty, of strings */
  run(kv: Kv, bench: Bench): Promise<void>;
}

/** Opens stores for a scenario and closes whatever it left open. */
export class Bench {
  readonly #openKv: OpenKv;
  readonly #reopenKv: ReopenKv | undefined;
  readonly #open = new Set<AsyncDisposable & { close(): Promise<void> }>();

  constructor(open: OpenKv, reopen: ReopenKv | undefined) {
    this.#openKv = open;
    this.#reopenKv = reopen;
  }

  get canReopen(): boolean {
    return this.#reopenKv !== undefined;
  }

  async open<K = string, V = string>(codecs: Partial<Codecs<K, V>> = {}): Promise<Kv<K, V>> {
    // Where no codec is given the type parameter has its default, string.
    const { key = utf8 as unknown as KeyCodec<K>, value = utf8 as unknown as Codec<V> } = codecs;
    const kv = await this.#openKv({ key, value });
    this.#open.add(kv);
    return kv;
  }

  async reopen(kv: Kv): Promise<Kv> {
    this.#open.delete(kv);
    await kv.close();
    const again = await this.#reopenKv!(kv);
    this.#open.add(again);
    return again;
  }

  async closeAll(): Promise<void> {
    for (const kv of this.#open) await kv.close();
    this.#open.clear();
  }
}

/** At most so many items, then the iteration is left. */
export async function take<T>(items: AsyncIterable<T>, most: number = Number.POSITIVE_INFINITY): Promise<T[]> {
  const all: T[] = [];
  if (most === 0) return all;
  for await (const item of items) {
    all.push(item);
    if (all.length >= most) break;
  }
  return all;
}

/** Up to and with the first item of which `isLast` is true. */
export async function takeUntil<T>(items: AsyncIterable<T>, isLast: (item: T) => boolean): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
    if (isLast(item)) break;
  }
  return all;
}

/** `key=value` of each entry. */
export function shown(entries: Iterable<Entry<string, string>>): string[] {
  return Array.from(entries, ({ key, value }) => `${key}=${value}`);
}

/** `revision key=value` of a put, `revision key` of a deletion. */
export function told(events: Iterable<KvEvent<string, string>>): string[] {
  return Array.from(
    events,
    (event) => `${event.revision} ${event.key}${event.type === 'put' ? `=${event.value}` : ''}`,
  );
}

/** `revision: events` of each batch. */
export function toldBatches(batches: Iterable<WatchBatch<string, string>>): string[] {
  return Array.from(batches, ({ revision, events }) => `${revision}: ${told(events).join(', ')}`);
}

/** Puts one after the other; the revision of the last. */
export async function putAll(kv: Kv, pairs: Readonly<Record<string, string>>): Promise<number> {
  let last = (await kv.status()).revision;
  for (const [key, value] of Object.entries(pairs)) last = (await kv.put(key, value)).revision;
  return last;
}
