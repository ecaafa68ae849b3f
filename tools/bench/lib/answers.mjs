// @ts-check
// What a peer's answers must be, whether they come at once or by a promise: a miss is a failed run, not a fast one.
/** @typedef {import('./contract.d.mts').Wait} Wait */
/** @template T @typedef {import('./contract.d.mts').Answer<T>} Answer */
/** @typedef {Uint8Array | null | undefined} Found */

/**
 * @template T
 * @param {Answer<T>} x
 * @returns {x is Promise<T>}
 */
export function thenable(x) {
  return typeof x === 'object' && x !== null && 'then' in x && typeof x.then === 'function';
}

/** @param {Found} x */
function need(x) {
  if (x === undefined || x === null || x.length === 0) throw new Error('miss');
  return x;
}

/** @param {number} n */
const need100 = (n) => {
  if (n !== 100) throw new Error('short range: ' + n);
  return n;
};

/** @param {Answer<Found>} x */
export const check = (x) => (thenable(x) ? x.then(need) : need(x));

/** @param {Answer<number>} x */
export const check100 = (x) => (thenable(x) ? x.then(need100) : need100(x));

/**
 * Gets with a put of an existing key for every 16; an array holds a promise of such a put, to be awaited before the next.
 * @param {import('./contract.d.mts').BenchStore} store
 * @param {readonly Buffer[]} keys 65,536 of them
 * @param {(i: number) => Buffer} value
 * @returns {(i: number) => unknown}
 */
export function mixedGets(store, keys, value) {
  /** @type {Promise<unknown> | undefined} */
  let pending;
  const keyAt = (/** @type {number} */ i) => /** @type {Buffer} */ (keys[i & 65535]);
  return (i) => {
    if ((i & 15) === 0) pending = store.put(keyAt(i * 7), value(i)) ?? pending;
    const found = check(store.get(keyAt(i)));
    if (pending === undefined || thenable(found)) return found;
    const wait = [pending];
    pending = undefined;
    return wait;
  };
}
