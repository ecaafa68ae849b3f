// @ts-check
/**
 * How a recording writes values: bytes as latin1 strings, 64-bit numbers beyond 2^53 - 1 as decimal strings, and what is
 * zero or empty left out.
 */

/**
 * @param {string | { readonly rep: string, readonly n: number } | undefined} value
 * @returns {Uint8Array}
 */
export function toBytes(value = '') {
  const text =
    typeof value === 'string' ? value : value.rep.repeat(Math.ceil(value.n / value.rep.length)).slice(0, value.n);
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/**
 * The end of a range: absent for the one key, a zero byte for all keys from there on.
 * @param {string | undefined} end
 * @returns {Uint8Array | undefined}
 */
export function toEnd(end) {
  if (end === undefined) return undefined;
  return end === '\0' ? new Uint8Array(0) : toBytes(end);
}

/** @param {Uint8Array} bytes */
function toText(bytes) {
  return Buffer.from(bytes).toString('latin1');
}

/** @param {bigint} number */
function toNumber(number) {
  const small = Number(number);
  return Number.isSafeInteger(small) ? small : String(number);
}

/**
 * A record as recordings write it.
 * @param {import('@varve/watch').KeyValue} kv
 */
export function toRecord(kv) {
  return {
    key: toText(kv.key),
    ...(kv.createRevision === 0 ? {} : { createRevision: kv.createRevision }),
    ...(kv.modRevision === 0 ? {} : { modRevision: kv.modRevision }),
    ...(kv.version === 0 ? {} : { version: kv.version }),
    ...(kv.value.length === 0 ? {} : { value: toText(kv.value) }),
    ...(kv.lease === 0n ? {} : { lease: toNumber(kv.lease) }),
  };
}
