/**
 * Parts of the store that most pages never use, loaded when they are first used, or with the store where code is near.
 *
 * LPT1  A part changes nothing about the order of calls: where that matters, the line of the writes waits for it (admissions.ts).
 */
import type { Source } from '@varve/api/implement';
import { codeIsNear } from '@varve/base/host';
import { Late } from '@varve/base/late';

export const checking: Late<typeof import('./check-walk.ts')> = new Late(() => import('./check-walk.ts'));
export const dating: Late<typeof import('./times/date-lookup.ts')> = new Late(() => import('./times/date-lookup.ts'));
export const diffing: Late<typeof import('./diff-walk.ts')> = new Late(() => import('./diff-walk.ts'));
export const leasing: Late<typeof import('./store-lease.ts')> = new Late(() => import('./store-lease.ts'));
export const sectioning: Late<typeof import('./store-section.ts')> = new Late(() => import('./store-section.ts'));
export const transacting: Late<typeof import('./transactions.ts')> = new Late(() => import('./transactions.ts'));

/** While a store opens: all of them, where code is near. */
export async function loadParts(): Promise<void> {
  if (!codeIsNear) return;
  await Promise.all(
    [checking, dating, diffing, leasing, sectioning, transacting].map(async (part: Late<unknown>) => part.load()),
  );
}

/** A source that comes with a part: it begins with the first pull, and so does the loading. */
export class LateSource<P, T> implements Source<T> {
  readonly #part: Late<P>;
  readonly #begin: (part: P) => Source<T>;
  #source: Source<T> | undefined;
  #isClosed = false;

  constructor(part: Late<P>, begin: (part: P) => Source<T>) {
    this.#part = part;
    this.#begin = begin;
  }

  take(): T | undefined {
    return this.#source?.take();
  }

  async load(): Promise<boolean> {
    if (this.#source === undefined) {
      const part = this.#part.loaded ?? (await this.#part.load());
      if (this.#isClosed) return false;
      this.#source = this.#begin(part);
    }
    return await this.#source.load();
  }

  close(): void {
    this.#isClosed = true;
    this.#source?.close();
  }
}
