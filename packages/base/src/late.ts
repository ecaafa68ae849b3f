/**
 * Code that is loaded when it is first used: what most pages never use is not among what a page must load (decisions/0043).
 *
 * LAT1  Where code is near (`codeIsNear` of the host) whoever opens a store loads it all before that resolves: no call waits for a file later, and
 *     the same seed gives the same run (law 11).
 * LAT2  A load that fails, as where a file cannot be fetched, fails who wanted it, and is tried again by the next one.
 */

/** A part that may not be there yet. */
export class Late<T> {
  /** Absent until it was loaded. */
  loaded: T | undefined;
  readonly #import: () => Promise<T>;

  constructor(importing: () => Promise<T>) {
    this.#import = importing;
  }

  async load(): Promise<T> {
    return (this.loaded ??= await this.#import());
  }
}
