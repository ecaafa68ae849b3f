// @ts-check
/** What happened when: lines with the seconds since the start, and how long each step took. */

export class Transcript {
  #start = performance.now();

  /** @param {string} text */
  say(text) {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1).padStart(6);
    process.stdout.write(`${seconds} s  ${text}\n`);
  }

  /**
   * @template T
   * @param {string} text @param {() => Promise<T>} act
   * @returns {Promise<T>}
   */
  async step(text, act) {
    const from = performance.now();
    try {
      const result = await act();
      this.say(`${text}: ${((performance.now() - from) / 1000).toFixed(1)} s`);
      return result;
    } catch (error) {
      this.say(`${text}: FAILED, ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  }
}
