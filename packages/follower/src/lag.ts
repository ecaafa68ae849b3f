/**
 * How far behind a copy is.
 *
 * LAG1  The source is asked where it is; when the copy has come there, it has everything that was answered by the source before it was asked. That
 *       moment is what `ms` counts from: it is never less than the truth.
 */
import type { Clock } from '@varve/base/clock';
import type { Behind } from './contract.ts';

interface Mark {
  readonly at: number;
  readonly revision: number;
}

const mostMarks = 64;

export class Lag {
  readonly #clock: Clock;
  /** Not come to yet; ascending. */
  #marks: Mark[] = [];
  #freshAt: number | undefined;
  #sourceRevision = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get sourceRevision(): number {
    return this.#sourceRevision;
  }

  /** The source has come this far. */
  heard(revision: number): void {
    if (revision > this.#sourceRevision) this.#sourceRevision = revision;
  }

  /** Asked at this moment, the source was at this revision. @param here where the copy is */
  asked(at: number, revision: number, here: number): void {
    this.heard(revision);
    // Beyond so many, the newest makes room: what is left says too much, never too little.
    if (this.#marks.length >= mostMarks) this.#marks.pop();
    this.#marks.push({ at, revision });
    this.came(here);
  }

  /** The copy has come to this revision. */
  came(here: number): void {
    const marks = this.#marks;
    let passed = 0;
    while (passed < marks.length && marks[passed]!.revision <= here) this.#freshAt = marks[passed++]!.at;
    if (passed > 0) this.#marks = marks.slice(passed);
  }

  behind(here: number): Behind {
    const revisions = Math.max(0, this.#sourceRevision - here);
    if (this.#freshAt === undefined) return { revisions };
    return { revisions, ms: Math.max(0, Math.round(this.#clock.now() - this.#freshAt)) };
  }
}
