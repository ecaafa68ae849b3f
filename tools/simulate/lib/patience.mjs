// @ts-check
/**
 * Waiting by turns of the event loop, and the first thing that went wrong.
 *
 * SPA1  What has not come after very many turns never will: that is a fault, too.
 */
import { turns } from './clock.mjs';
import { Violation } from './model.mjs';

const mostTurns = 20_000;

/** @param {unknown} error @returns {string | undefined} */
export function codeOf(error) {
  const { code } = /** @type {{ code?: unknown }} */ (Object(error));
  return typeof code === 'string' ? code : undefined;
}

export class Patience {
  /** The first law that did not hold. @type {unknown} */
  violation;

  report = (/** @type {unknown} */ error) => {
    this.violation ??= error;
  };

  /** @param {() => boolean} condition @param {string} what */
  async until(condition, what) {
    for (let turn = 0; !condition(); turn++) {
      if (this.violation !== undefined) throw this.violation;
      if (turn === mostTurns) throw new Violation(`still waiting for ${what}`);
      await turns(1);
    }
  }

  /** Waits for a promise by turns. @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
  async answer(promise, what) {
    /** @type {{ value: T } | { error: unknown } | undefined} */
    let settled;
    promise.then(
      (value) => (settled = { value }),
      (error) => (settled = { error }),
    );
    await this.until(() => settled !== undefined, what);
    const found = /** @type {{ value: T } | { error: unknown }} */ (/** @type {unknown} */ (settled));
    if ('error' in found) throw found.error;
    return found.value;
  }

  /** What a call is refused with; it must not be answered. @param {Promise<unknown>} promise @param {string} what */
  async refusal(promise, what) {
    try {
      await this.answer(promise, what);
    } catch (error) {
      if (error instanceof Violation) throw error;
      return codeOf(error) ?? String(error);
    }
    return undefined;
  }
}
