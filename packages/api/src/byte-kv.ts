/**
 * Stores of bytes: what works on keys and values as they are stored, such as a mirror, asks for stores and ranges that know no codec.
 *
 * BKV1  Keys of another codec would be read as if they were bytes, and give keys that nobody has put: so that is asked before anything is read.
 */
import { checkNames } from './checks.ts';
import { codeOf, invalidType } from './errors.ts';
import { isUint8Array } from './kind.ts';
import type { Range } from './kv.ts';

const rangeNames = ['prefix', 'start', 'end'] as const;
const someKey = Uint8Array.of(0);

/**
 * Whether keys of the store are bytes, as the codec says that it was opened with; of values nothing is known before one is read.
 * @param name of the argument, for the message
 * @throws TypeError `KV_INVALID`
 */
export function checkByteKeys(store: { readonly namespace: (prefix: never) => unknown }, name: string): void {
  try {
    // A name space is made in the call, and asks the codec for its prefix.
    store.namespace(someKey as never);
  } catch (error) {
    if (codeOf(error) !== 'KV_INVALID') throw error;
    throw invalidType(`${name} must be a store of bytes: open it with key: bytes, value: bytes`);
  }
}

/** @throws TypeError `KV_INVALID` for a range that is none, or that has other bounds than bytes */
export function checkByteRange(range: Range<Uint8Array> | undefined): void {
  if (range === undefined) return;
  checkNames(range, 'range', rangeNames);
  for (const name of rangeNames) {
    if (range[name] !== undefined && !isUint8Array(range[name]))
      throw invalidType(`range.${name} must be a Uint8Array`);
  }
}
