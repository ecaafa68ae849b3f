// @ts-check
/**
 * What must hold, each told as a line when it is known, and counted.
 *
 * @typedef {{ check(what: string, holds: boolean, more?: string): void }} Check where it is told
 */

/** @implements {Check} */
export class Checks {
  #held = 0;
  #count = 0;

  /**
   * @param {string} what
   * @param {boolean} holds
   * @param {string} [more] figures, or what was found instead
   */
  check(what, holds, more = '') {
    this.#count++;
    if (holds) this.#held++;
    process.stdout.write(`${holds ? 'holds' : 'FAILS'}  ${what}${more === '' ? '' : `: ${more}`}\n`);
  }

  /** The last line. Returns whether all hold. */
  end() {
    process.stdout.write(`${this.#held} of ${this.#count} hold\n`);
    return this.#held === this.#count;
  }
}
