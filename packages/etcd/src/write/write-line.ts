/**
 * The line of the writes.
 *
 * WLN1  Over one connection calls overtake each other at the other side. So that writes take effect in the order of the calls (KK5), one is
 *     under way at a time; the next is sent when its answer is there, or is known not to come.
 * WLN2  A write that has not been sent leaves the line when its signal is aborted; one that was sent is finished all the same.
 */
import { until } from '@varve/base/abort';

export class WriteLine {
  readonly #inOrder: boolean;
  #last: Promise<unknown> = Promise.resolve();
  readonly #under = new Set<Promise<unknown>>();

  constructor(inOrder: boolean) {
    this.#inOrder = inOrder;
  }

  /** Runs `send` in its turn. */
  enter<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const before = this.#inOrder ? this.#last : undefined;
    const sending = (async (): Promise<T> => {
      if (before !== undefined) await before;
      signal?.throwIfAborted();
      return send();
    })();
    const over = sending.then(
      () => undefined,
      () => undefined,
    );
    if (this.#inOrder) this.#last = over;
    this.#under.add(over);
    void over.then(() => this.#under.delete(over));
    return until(sending, signal);
  }

  /** Resolves when every write that was called before has its answer. */
  async passed(): Promise<void> {
    await Promise.all(this.#under);
  }
}
