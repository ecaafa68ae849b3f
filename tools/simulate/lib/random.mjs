// @ts-check
/** Chance that can be had again: the same seeds give the same numbers. */

export class Random {
  #state = 0x2545f491;

  /** @param {readonly number[]} seeds such as the history's and the step's: streams that do not shift each other */
  constructor(...seeds) {
    for (const seed of seeds) {
      this.#state = (this.#state ^ seed) | 0;
      this.next();
      this.#state = Math.imul(this.#state ^ (this.#state >>> 15), 0x5bd1e995) | 0;
    }
  }

  /** From 0 to below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to below `limit`. @param {number} limit */
  below(limit) {
    return Math.floor(this.next() * limit);
  }

  /** A whole number, both ends included. @param {number} low @param {number} high */
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  /** @param {number} probability */
  chance(probability) {
    return this.next() < probability;
  }

  /**
   * @template T
   * @param {readonly T[]} choices not empty
   * @returns {T}
   */
  pick(choices) {
    const index = this.below(choices.length);
    for (const choice of choices.slice(index, index + 1)) return choice;
    throw new RangeError('nothing to choose from');
  }
}
