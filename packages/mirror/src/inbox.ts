/**
 * What was heard of the source and is not written yet: one side puts in, the other takes out.
 *
 * INB1  Bounded: whoever puts in waits while there is too much.
 */
import { deferred, type Deferred } from '@varve/base/deferred';
import type { Batch } from './apply.ts';

const most = 10_000;

export class Inbox {
  readonly #batches: Batch[] = [];
  #changes = 0;
  #failure: { readonly error: unknown } | undefined;
  #over = false;
  #filled: Deferred<void> | undefined;
  #emptied: Deferred<void> | undefined;

  async add(batch: Batch): Promise<void> {
    this.#batches.push(batch);
    this.#changes += batch.changes.length + 1;
    this.#wake();
    while (this.#changes > most && !this.#over) {
      this.#emptied ??= deferred();
      await this.#emptied.promise;
    }
  }

  /** Nothing more comes; with an error, that is why, once what is there was taken. */
  end(failure?: { readonly error: unknown }): void {
    this.#over = true;
    this.#failure = failure;
    this.#wake();
  }

  /** What is there, once something is; `undefined` at the end. @throws what the source ended with */
  async wait(): Promise<readonly Batch[] | undefined> {
    while (this.#batches.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#over) return undefined;
      this.#filled ??= deferred();
      await this.#filled.promise;
    }
    return this.#batches;
  }

  drop(batches: number): void {
    for (const { changes } of this.#batches.splice(0, batches)) this.#changes -= changes.length + 1;
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }

  #wake(): void {
    this.#filled?.resolve();
    this.#filled = undefined;
    if (this.#over) this.#emptied?.resolve();
  }
}
