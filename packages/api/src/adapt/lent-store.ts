/**
 * The store of an adapter: one that is open and stays so, or one that is opened at the first call and closed with the adapter.
 *
 * LNT1  What was given open stays open; what was opened here is closed here, also when it is asked for while it opens.
 * LNT2  An opening that failed is no end: the next call opens anew, since what was not there may be there by then.
 * LNT3  Behind `close` every call gets `KV_CLOSED`, whoever owns the store.
 */
import { invalidType, KvError } from '../errors.ts';
import type { Kv } from '../kv.ts';

/** An open store, or what opens one: `() => open('./data')`. */
export type KvOrOpen<S> = S | (() => Promise<S>);

export class LentStore<S extends Pick<Kv, 'close'>> {
  readonly #given: KvOrOpen<S>;
  #opening: Promise<S> | undefined;
  #closed = false;

  /** @throws TypeError `KV_INVALID` for what is neither a store nor a function */
  constructor(given: KvOrOpen<S>) {
    const isStore = typeof (given as Partial<Kv> | null | undefined)?.txn === 'function';
    if (typeof given !== 'function' && !isStore) {
      throw invalidType("the store must be an open Kv, or a function that opens one: () => open('./data')");
    }
    this.#given = given;
  }

  /** The store. @throws KvError `KV_CLOSED`; what opening throws */
  async open(): Promise<S> {
    if (this.#closed) throw new KvError('KV_CLOSED', 'the adapter is closed');
    if (typeof this.#given !== 'function') return this.#given;
    this.#opening ??= this.#given();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Closes what was opened here; idempotent. @throws what closing throws, the first time */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // One that could not be opened has said so to whoever asked for it.
    const store = await this.#opening?.catch(() => undefined);
    await store?.close();
  }
}
