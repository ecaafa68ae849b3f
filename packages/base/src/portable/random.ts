/**
 * Chance without Node's crypto.
 *
 * PRN1  From the host's own generator where there is one. Where there is only the language, `Math.random`: ids are unique as far as
 *       that goes, and may be guessed.
 */
import { hexOf } from '../hex.ts';
import type { Random } from '../world.ts';

/** The most that `getRandomValues` gives at once. */
const mostAtOnce = 65_536;

/** The randomness of this host. */
export function portableRandom(): Random {
  const bytes = byteSource();
  return {
    bytes,
    unique: () => hexOf(bytes(16)),
  };
}

function byteSource(): Random['bytes'] {
  const { crypto } = globalThis;
  if (typeof crypto?.getRandomValues !== 'function') {
    return (count) => Uint8Array.from({ length: count }, () => Math.floor(Math.random() * 256));
  }
  return (count) => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += mostAtOnce) crypto.getRandomValues(bytes.subarray(at, at + mostAtOnce));
    return bytes;
  };
}
