// @ts-check
/**
 * One decoder, or one edge, that takes what strangers send.
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {number} weight its share of the time
 * @property {import('fast-check').Arbitrary<any>} inputs
 * @property {(input: any) => Promise<string>} run resolves with what became of it, in a word; rejects for what must not be
 * @property {() => Promise<void>} [check] between batches: whoever behaves well is still served
 * @property {() => Promise<void>} close
 */

/** A refusal by code, as all of ours are; anything else is a fault. @param {unknown} error @param {RegExp} codes @returns {string} */
export function refusal(error, codes) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && codes.test(code)) return code;
  throw error;
}
