// @ts-check
// A run with some of its chains measured again.
import { isDeepStrictEqual } from 'node:util';

/** @typedef {import('./contract.d.mts').Report} Report */

/**
 * What `later` measured, and of `earlier` the rest.
 * @param {Report} earlier
 * @param {Report} later
 * @returns {Report}
 */
export function joined(earlier, later) {
  const same = /** @type {const} */ (['options', 'rounds', 'anchor']);
  for (const name of same) {
    if (!isDeepStrictEqual(earlier[name], later[name]))
      throw new RangeError(
        `the runs differ in ${name}: ${JSON.stringify(earlier[name])}, ${JSON.stringify(later[name])}`,
      );
  }
  const names = new Set(earlier.peers.map(({ name }) => name));
  const other = later.peers.find(({ name }) => !names.has(name));
  if (other !== undefined) throw new RangeError(`the earlier run has no ${other.name}`);
  return {
    ...earlier,
    samples: { ...earlier.samples, ...later.samples },
    unit: { ...earlier.unit, ...later.unit },
    failures: [...earlier.failures, ...later.failures],
    seconds: earlier.seconds + later.seconds,
  };
}
