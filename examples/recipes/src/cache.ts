/**
 * A cache in front of a store, perhaps a far one: what is in it goes when it is changed, whoever changed it.
 *
 * CCH1  The watch begins before the first read, so no change after a read is missed.
 * CCH2  What is kept is the read itself, not its result: a change that comes while it is under way takes it out, too.
 * CCH3  Without a watch nothing is kept: each read asks the store.
 */
import { codeOf, type Entry, type Kv } from '@varve/kv';

export class Cache<V> {
  readonly #kv: Kv<string, V>;
  readonly #reads = new Map<string, Promise<Entry<string, V> | undefined>>();
  #following = false;

  constructor(kv: Kv<string, V>) {
    this.#kv = kv;
  }

  get(key: string): Promise<Entry<string, V> | undefined> {
    const kept = this.#reads.get(key);
    if (kept !== undefined) return kept;
    const read = this.#kv.get(key);
    if (!this.#following) return read;
    // Nothing grows without bound: full, it begins anew.
    if (this.#reads.size >= 10_000) this.#reads.clear();
    this.#reads.set(key, read);
    read.catch(() => this.#reads.delete(key));
    return read;
  }

  /** The event of a put comes a turn after the put has resolved, so who writes takes the old value out itself. */
  async put(key: string, value: V): Promise<void> {
    await this.#kv.put(key, value).finally(() => this.#reads.delete(key));
  }

  /** Keeps the cache true until the signal aborts or the store is closed. Rejects with what ended the watch otherwise. */
  async follow(signal: AbortSignal): Promise<void> {
    for (;;) {
      const watch = this.#kv.watch({}, { signal });
      try {
        await watch.started();
        this.#following = true;
        for await (const { key } of watch) this.#reads.delete(key);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
      } finally {
        this.#following = false;
        this.#reads.clear();
      }
    }
  }
}
