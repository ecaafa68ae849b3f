/**
 * One async iterator behind every stream of a `Kv`.
 *
 * PLL1  What is buffered is handed out without waiting, by a promise that is resolved already; after each slice the event
 *     loop has a turn first, however fast the consumer is (law 10).
 * PLL2  Pulls may overlap; they are answered in the order of the calls.
 * PLL3  An error ends the stream: the pull that met it rejects, the source is closed once, later pulls are done.
 * PLL4  Leaving a loop (`return`) closes the source at once, also under a pull that waits: whatever that one meets then, it is done.
 */
import type { Items } from './list-options.ts';

/** The slice of the turn under way: whether it is over, and the turn that others get then. */
export interface PullSlice {
  over(): boolean;
  next(): Promise<void>;
}

/** What streams need of the store that they read. */
export interface StreamOwner {
  readonly slice: PullSlice;
  /** @throws KvError `KV_CLOSED` */
  check(): void;
  /** An error of reading as it goes out. */
  failed(error: unknown): unknown;
}

/** Where the items come from. Never called from two places at once, save for `close`. */
export interface Source<T> {
  /** The next buffered item, or `undefined` when the buffer is empty. */
  take(): T | undefined;
  /** Fills the buffer, perhaps with nothing; false when the stream has ended. */
  load(): Promise<boolean>;
  /** Gives everything back; a running `load` then ends soon. */
  close(): void;
}

export class Pull<T> implements AsyncIterableIterator<T> {
  readonly #source: Source<T>;
  readonly #slice: PullSlice;
  #ended = false;
  /** The last of the pulls that wait. */
  #running: Promise<unknown> | undefined;

  constructor(source: Source<T>, slice: PullSlice) {
    this.#source = source;
    this.#slice = slice;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#running !== undefined) return this.#wait(this.#running.then(this.#pull, this.#pull));
    if (this.#slice.over()) return this.#wait(this.#pull());
    try {
      const item = this.#ended ? undefined : this.#source.take();
      if (item !== undefined) return Promise.resolve({ done: false, value: item });
    } catch (error) {
      this.#end();
      return Promise.reject(error);
    }
    return this.#wait(this.#pull());
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
    return this.#slice.over() ? doneAfterTurn(this.#slice) : Promise.resolve({ done: true, value: undefined });
  }

  #wait(pull: Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> {
    this.#running = pull;
    const free = () => {
      if (this.#running === pull) this.#running = undefined;
    };
    pull.then(free, free);
    return pull;
  }

  readonly #pull = async (): Promise<IteratorResult<T, undefined>> => {
    try {
      do {
        if (this.#slice.over()) await this.#slice.next();
        const item = this.#ended ? undefined : this.#source.take();
        if (item !== undefined) return { done: false, value: item };
      } while (!this.#ended && (await this.#source.load()));
    } catch (error) {
      // Who has left is not told of what came of it.
      if (!this.#ended) {
        this.#end();
        throw error;
      }
    }
    this.#end();
    return { done: true, value: undefined };
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#source.close();
  }
}

async function doneAfterTurn(slice: PullSlice): Promise<IteratorResult<never, undefined>> {
  await slice.next();
  return { done: true, value: undefined };
}

/** Items whose every iteration starts a source of its own. */
export function pullEach<T>(slice: PullSlice, start: () => Source<T>): Items<T> {
  return {
    [Symbol.asyncIterator]: () => new Pull(start(), slice),
    async toArray() {
      const all: T[] = [];
      for await (const item of new Pull(start(), slice)) all.push(item);
      return all;
    },
  };
}
