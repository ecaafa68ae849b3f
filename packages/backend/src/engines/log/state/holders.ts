/**
 * Who may still ask for rows of a state: pins, and scans that are not at their end.
 *
 * LGHO1  They are referred to weakly: a scan that nobody pulls, or a pin that was forgotten, keeps files only as long as it could be
 *     used.
 */
import type { LiveFile } from '../files/live-file.ts';
import type { State } from './state.ts';

export interface Holder {
  /** Absent once it has ended. */
  readonly state: State | undefined;
}

export class Holders {
  readonly #references: Set<WeakRef<Holder>> = new Set();

  add(holder: Holder): WeakRef<Holder> {
    const reference = new WeakRef(holder);
    this.#references.add(reference);
    return reference;
  }

  delete(reference: WeakRef<Holder>): void {
    this.#references.delete(reference);
  }

  clear(): void {
    this.#references.clear();
  }

  /** The files of their states. */
  files(): ReadonlySet<LiveFile> {
    const held = new Set<LiveFile>();
    for (const reference of this.#references) {
      const state = reference.deref()?.state;
      if (state === undefined) this.#references.delete(reference);
      else for (const file of state.files) held.add(file);
    }
    return held;
  }
}
