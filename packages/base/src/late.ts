/**
 * Code that is loaded when it is first used: what most pages never use is not among what a page must load (decisions/0043).
 *
 * LAT1  Where code is near (`codeIsNear` of the host) whoever opens a store loads it all before that resolves: no call waits for a file later, and
 *     the same seed gives the same run (law 11).
 * LAT2  A load that fails, as where a file cannot be fetched, fails who wanted it, before anything has changed, and is tried again by the next one.
 */

/** - `BASE_NOT_LOADED` a file of the program itself could not be loaded; nothing was changed */
export type LateErrorCode = 'BASE_NOT_LOADED';

/** Code that could not be loaded. Of its own: what browsers say of that is a TypeError, which here stands for a wrong argument. */
export class LateError extends Error {
  override readonly name: string = 'LateError';
  readonly code: LateErrorCode = 'BASE_NOT_LOADED';

  /** @param cause what the host said */
  constructor(cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super(`a part of the program could not be loaded, and nothing was changed; try again: ${said}`, { cause });
  }
}

/** Loads code that comes late. @throws LateError `BASE_NOT_LOADED` */
export async function loadLate<T>(importing: () => Promise<T>): Promise<T> {
  try {
    return await importing();
  } catch (cause) {
    throw new LateError(cause);
  }
}

/** A part that may not be there yet. */
export class Late<T> {
  /** Absent until it was loaded. */
  loaded: T | undefined;
  readonly #import: () => Promise<T>;

  constructor(importing: () => Promise<T>) {
    this.#import = importing;
  }

  /** @throws LateError `BASE_NOT_LOADED` */
  async load(): Promise<T> {
    return (this.loaded ??= await loadLate(this.#import));
  }
}
