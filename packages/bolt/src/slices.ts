/**
 * Long work in slices: the event loop turns at least every few milliseconds, and an abort is seen there.
 *
 * Law 10: no call stops the event loop longer than one slice.
 */
import type { Storage } from './files/storage-file.ts';

const SLICE_MS = 2;

/** The pace of one piece of work. */
export class Slices {
  readonly #storage: Storage;
  readonly #signal: AbortSignal | undefined;
  #since: number;
  #steps = 0;

  constructor(storage: Storage, signal: AbortSignal | undefined) {
    this.#storage = storage;
    this.#signal = signal;
    this.#since = storage.now();
    signal?.throwIfAborted();
  }

  /** True when it is time to `rest`. Asks the clock every 16th time only. */
  due(): boolean {
    return (++this.#steps & 15) === 0 && this.#storage.now() - this.#since >= SLICE_MS;
  }

  /** Runs steps to their end and rests when it is time: short work does not leave the tick. An abort is thrown into them. */
  async run<T>(steps: Generator<void, T>): Promise<T> {
    let step = steps.next();
    while (step.done !== true) {
      try {
        if (this.due()) await this.rest();
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next();
    }
    return step.value;
  }

  /** Lets others run. Rejects with the signal's reason. */
  async rest(): Promise<void> {
    await this.#storage.nextTurn();
    this.#signal?.throwIfAborted();
    this.#since = this.#storage.now();
  }
}
