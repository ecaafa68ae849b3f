// @ts-check
/** Compares an answer with the recorded one, field by field. Fields that the recording lacks are not compared. */
import { isDeepStrictEqual } from 'node:util';

/**
 * @typedef {{ readonly path: string, readonly want: unknown, readonly got: unknown }} Difference
 */

/**
 * @param {Record<string, any>} want an entry of the recording
 * @param {Record<string, any>} got our answer to it
 * @param {string} [path] of the entry, for txns
 * @returns {Difference[]}
 */
export function differences(want, got, path = '') {
  /** @type {Difference[]} */
  const found = [];
  if (want.err !== undefined || got.err !== undefined) {
    if (want.err !== got.err) found.push({ path: `${path}err`, want: want.err, got: got.err });
    return found;
  }
  for (const [field, value] of Object.entries(want.res ?? {})) {
    const ours = got.res?.[field];
    if (!isDeepStrictEqual(value, ours)) found.push({ path: `${path}res.${field}`, want: value, got: ours });
  }
  // What watchers got is compared as a whole: an event that the recording lacks is one too many.
  if (want.op === 'sync') {
    for (const field of Object.keys(got.res)) {
      if (want.res[field] === undefined) found.push({ path: `res.${field}`, want: undefined, got: got.res[field] });
    }
  }
  for (const [i, op] of (want.ops ?? []).entries()) {
    found.push(...differences(op, got.ops?.[i] ?? {}, `${path}ops[${i}].`));
  }
  return found;
}
