/**
 * An engine's files beside the store, as the Backend gives them out: none is touched any more once it closes.
 *
 * GAS1  `close` waits for calls that are under way; the next piece of such a call ends it.
 */
import { checked } from '../contract/aside.ts';
import type { Aside } from '../contract/aside.ts';

type Tracked = <T>(work: Promise<T>) => Promise<T>;

export class GuardedAside implements Aside {
  readonly id: string;
  readonly #inner: Aside;
  readonly #closing: AbortSignal;
  readonly #tracked: Tracked;

  /** @param tracked what `close` waits for */
  constructor(inner: Aside, closing: AbortSignal, tracked: Tracked) {
    this.id = inner.id;
    this.#inner = inner;
    this.#closing = closing;
    this.#tracked = tracked;
  }

  read(name: string): AsyncIterable<Uint8Array> {
    return this.#until(this.#inner.read(checked(name)));
  }

  async replace(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.#closing.throwIfAborted();
    await this.#tracked(this.#inner.replace(checked(name), this.#until(pieces)));
  }

  async remove(name: string): Promise<void> {
    this.#closing.throwIfAborted();
    await this.#tracked(this.#inner.remove(checked(name)));
  }

  async *#until(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#closing.throwIfAborted();
    for await (const piece of pieces) {
      this.#closing.throwIfAborted();
      yield piece;
      this.#closing.throwIfAborted();
    }
    this.#closing.throwIfAborted();
  }
}
