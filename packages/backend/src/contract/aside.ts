/**
 * A few named files beside a store, for what can be made anew from its rows: an engine may offer them.
 *
 * ASD1  A file is replaced whole or not at all: whoever reads it, also after a failure or a crash, finds all of the old one or all of the
 *     new one. What `replace` has acknowledged survives a power cut. Until then it may be either, but not the new one before
 *     `pieces` has ended.
 * ASD2  Nobody holds a whole file: it is given and taken in pieces.
 * ASD3  Nothing here is part of the store. A file may be missing, old, damaged, or another store's: who reads it finds out, and does
 *     without.
 * ASD4  One call at a time for each name. An engine sees calls beside commits and compactions, and none after `close`.
 */

/** Files beside a store. A name has up to 32 small letters, digits and hyphens, a letter first. */
export interface Aside {
  /** Which store it is: a text that no other store has but copies of this one. */
  readonly id: string;
  /**
   * The file in pieces of at most a MiB; nothing where there is no such file. The pieces belong to the caller.
   * Rejects with the system's error where it cannot be read.
   */
  read(name: string): AsyncIterable<Uint8Array>;
  /**
   * Replaces the file, or makes it, with what `pieces` gives; pieces are not changed before the next one is asked for. What `pieces`
   * throws, it rejects with, and the file is as before. Behind another failure it may be the new one, until a power cut.
   */
  replace(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes the file, durably; a missing one is fine. */
  remove(name: string): Promise<void>;
}

/** What the store above keeps its index in. */
export const indexAside = 'index';

const NAME = /^[a-z][a-z\d-]{0,31}$/;

/** @throws TypeError for a name that no file beside a store has */
export function checked(name: string): string {
  if (isAsideName(name)) return name;
  throw new TypeError(
    'the name of a file beside a store has up to 32 small letters, digits and hyphens, a letter first',
  );
}

export function isAsideName(name: unknown): boolean {
  return typeof name === 'string' && NAME.test(name);
}
