/**
 * Ranges as bytes, in the order in which stores compare them.
 *
 * BND1  Bytes compare one by one, unsigned; where one ends it comes before all that go on.
 * BND2  The end of a prefix is the next byte string that does not begin with it. A prefix of nothing but 0xff has none: its
 *     end is the end of all keys.
 *
 * etcd: clientv3/op.go (GetPrefixRangeEnd, FromKey). Departs: the end of all keys is the store's empty end, not a single
 * zero byte.
 */

/** A range as a store takes it: no `end` means the single key, an empty one every key from `key` on. */
export interface Bounds {
  readonly key: Uint8Array;
  readonly end: Uint8Array | undefined;
}

export const firstKey: Uint8Array = Uint8Array.of(0);
export const noEnd: Uint8Array = new Uint8Array(0);

/** Below 0, 0 or above, as `a` comes before `b`, is the same, or comes after. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Whether `key` begins with `prefix`. */
export function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && compareBytes(key.subarray(0, prefix.length), prefix) === 0;
}

/** The first byte string after all that begin with `prefix`; empty where there is none. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return noEnd;
  // A copy by construction: `slice` of a Buffer would share its bytes.
  const end = new Uint8Array(prefix.subarray(0, length));
  end[length - 1] = (prefix[length - 1] ?? 0) + 1;
  return end;
}

/** The first key after `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return join(key, firstKey);
}

/** True when the key lies in the bounds. */
export function contains(bounds: Bounds, key: Uint8Array): boolean {
  const order = compareBytes(key, bounds.key);
  if (bounds.end === undefined) return order === 0;
  return order >= 0 && (bounds.end.length === 0 || compareBytes(key, bounds.end) < 0);
}

/** Both, one behind the other, in new bytes. */
export function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
