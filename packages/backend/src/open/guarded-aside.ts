/**
 * An engine's files beside the store, as the Backend gives them out: none is touched any more once it closes.
 *
 * GAS1  `close` waits for calls that are under way; the next piece of such a call ends it. A read that nobody goes on with is ended.
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
    return this.#read(checked(name));
  }

  async replace(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.#closing.throwIfAborted();
    await this.#tracked(this.#inner.replace(checked(name), this.#until(pieces)));
  }

  async remove(name: string): Promise<void> {
    this.#closing.throwIfAborted();
    await this.#tracked(this.#inner.remove(checked(name)));
  }

  /** What ends with the Backend. */
  async *#until(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#closing.throwIfAborted();
    for await (const piece of pieces) {
      this.#closing.throwIfAborted();
      yield piece;
      this.#closing.throwIfAborted();
    }
    this.#closing.throwIfAborted();
  }

  /** As `#until`, of the engine's own pieces: closing ends them, also if nobody asks for the next one, and waits for that. */
  async *#read(name: string): AsyncGenerator<Uint8Array, void, undefined> {
    this.#closing.throwIfAborted();
    const pieces = this.#inner.read(name)[Symbol.asyncIterator]();
    const end = async (): Promise<void> => {
      await this.#tracked(Promise.resolve(pieces.return?.()));
    };
    const endNow = (): void => void end().catch(() => undefined);
    this.#closing.addEventListener('abort', endNow);
    try {
      for (;;) {
        const next = await this.#tracked(pieces.next());
        this.#closing.throwIfAborted();
        if (next.done === true) return;
        yield next.value;
        this.#closing.throwIfAborted();
      }
    } finally {
      this.#closing.removeEventListener('abort', endNow);
      await end();
    }
  }
}
