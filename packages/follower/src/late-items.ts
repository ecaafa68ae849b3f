/**
 * Items whose origin is chosen when the first of them is asked for.
 *
 * LIT1  Each iteration chooses anew; a choice that fails ends it with that error.
 */
import type { Items } from '@varve/api';

export function lateItems<T>(choose: () => Promise<Items<T>>): Items<T> {
  return {
    toArray: async () => (await choose()).toArray(),
    [Symbol.asyncIterator]: () => new LateIterator(choose),
  };
}

class LateIterator<T> implements AsyncIterator<T> {
  readonly #choose: () => Promise<Items<T>>;
  #chosen: AsyncIterator<T> | undefined;
  #choosing: Promise<AsyncIterator<T>> | undefined;
  #ended = false;

  constructor(choose: () => Promise<Items<T>>) {
    this.#choose = choose;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    if (this.#chosen === undefined) {
      this.#choosing ??= this.#begin();
      try {
        this.#chosen = await this.#choosing;
      } catch (error) {
        this.#ended = true;
        throw error;
      }
      if (this.#ended) return { done: true, value: undefined };
    }
    return (await this.#chosen.next()) as IteratorResult<T, undefined>;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#ended = true;
    await this.#chosen?.return?.();
    return { done: true, value: undefined };
  }

  async #begin(): Promise<AsyncIterator<T>> {
    return (await this.#choose())[Symbol.asyncIterator]();
  }
}
