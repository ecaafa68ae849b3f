// @ts-check
/** Chance that can be had again: the same seed gives the same numbers, on every machine. */

/**
 * Numbers from 0 to below 1 that a seed decides, by Tommy Ettinger's mulberry32.
 * @param {number} seed
 * @returns {() => number}
 */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same, with what is mostly asked of it. */
export class Random {
  /** From 0 to below 1. */
  next;

  /** @param {readonly number[]} seeds several, such as a history's and a step's: streams that do not shift each other */
  constructor(...seeds) {
    const [only = 0, ...others] = seeds;
    this.next = randomOf(others.length === 0 ? only : mixed(seeds));
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

/** One seed of several. @param {readonly number[]} seeds */
function mixed(seeds) {
  let state = 0x2545f491;
  for (const seed of seeds) {
    // Its state after one number, whatever that is.
    state = (((state ^ seed) | 0) + 0x6d2b79f5) | 0;
    state = Math.imul(state ^ (state >>> 15), 0x5bd1e995) | 0;
  }
  return state;
}
