/**
 * What was heard of the source and is not written yet: one side puts in, the other takes out.
 *
 * INB1  Bounded, in changes and in bytes: whoever puts in waits while there is too much.
 */
import { deferred, type Deferred } from '@varve/base/deferred';
import type { Batch } from './apply.ts';

const mostChanges = 10_000;
const mostBytes = 16 * 1024 * 1024;

export class Inbox {
  readonly #batches: Batch[] = [];
  #changes = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #over = false;
  #filled: Deferred<void> | undefined;
  #emptied: Deferred<void> | undefined;

  async add(batch: Batch): Promise<void> {
    this.#batches.push(batch);
    this.#count(batch, 1);
    this.#wake();
    while ((this.#changes > mostChanges || this.#bytes > mostBytes) && !this.#over) {
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
    for (const batch of this.#batches.splice(0, batches)) this.#count(batch, -1);
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }

  /** A revision without changes takes room, too. */
  #count({ changes, bytes }: Batch, sign: 1 | -1): void {
    this.#changes += sign * (changes.length + 1);
    this.#bytes += sign * bytes;
  }

  #wake(): void {
    this.#filled?.resolve();
    this.#filled = undefined;
    if (this.#over) this.#emptied?.resolve();
  }
}
