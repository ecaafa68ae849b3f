// What a peer's answers must be, whether they come at once or by a promise: a miss is a failed run, not a fast one.
export const thenable = (x) => x !== undefined && x !== null && typeof x.then === 'function';

function need(x) {
  if (x === undefined || x === null || x.length === 0) throw new Error('miss');
  return x;
}

const need100 = (n) => {
  if (n !== 100) throw new Error('short range: ' + n);
  return n;
};

export const check = (x) => (thenable(x) ? x.then(need) : need(x));

export const check100 = (x) => (thenable(x) ? x.then(need100) : need100(x));

/** Gets with a put of an existing key for every 16; an array holds a promise of such a put, to be awaited before the next. */
export function mixedGets(store, keys, value) {
  let pending;
  return (i) => {
    if ((i & 15) === 0) pending = store.put(keys[(i * 7) & 65535], value(i)) ?? pending;
    const found = check(store.get(keys[i & 65535]));
    if (pending === undefined || thenable(found)) return found;
    const wait = [pending];
    pending = undefined;
    return wait;
  };
}
