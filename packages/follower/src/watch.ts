/**
 * A watch of the copy.
 *
 * FWA1  It ends with the reason when following ends by itself, and without error when the follower is closed.
 */
import type { KvEvent, Watch, WatchBatch } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import type { FollowerCore } from './core.ts';

export class FollowerWatch<K, V> implements Watch<K, V> {
  readonly #core: FollowerCore;
  readonly #here: Watch<K, V>;
  /** No part of the follower knows of it any more. */
  readonly #leave: () => void;
  #closed = false;

  /** @param signal ends `here`, also while nobody iterates */
  constructor(core: FollowerCore, here: Watch<K, V>, signal: AbortSignal | undefined) {
    this.#core = core;
    this.#here = here;
    const end = (): void => {
      this.#leave();
      void here.close();
    };
    let letGo = (): void => undefined;
    this.#leave = () => {
      letGo();
      core.watches.delete(end);
    };
    if (signal?.aborted === true) return;
    core.watches.add(end);
    if (signal !== undefined) letGo = onAbort(signal, this.#leave);
  }

  get revision(): number {
    return this.#here.revision;
  }

  started(): Promise<number> {
    return this.#here.started();
  }

  ref(): this {
    this.#here.ref();
    return this;
  }

  unref(): this {
    this.#here.unref();
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<KvEvent<K, V>> {
    return this.#told(this.#here[Symbol.asyncIterator]());
  }

  batches(): AsyncIterable<WatchBatch<K, V>> {
    const batches = this.#here.batches()[Symbol.asyncIterator]();
    return { [Symbol.asyncIterator]: () => this.#told(batches) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    await this.#here.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #told<T>(here: AsyncIterator<T>): AsyncIterator<T> {
    const ended = (): void => {
      this.#closed = true;
      this.#leave();
    };
    return {
      next: async () => {
        let result: IteratorResult<T, unknown>;
        try {
          result = await here.next();
        } catch (error) {
          ended();
          throw error;
        }
        if (result.done !== true) return result;
        const over = this.#closed ? undefined : this.#core.over;
        ended();
        if (over !== undefined) throw over.reason;
        return { done: true, value: undefined };
      },
      return: async () => {
        ended();
        await here.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
