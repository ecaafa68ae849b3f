/** Several keys in one call, encoded before anything happens (KK3, KK4). */
import { invalidType, KvError } from './errors.ts';
import type { KeySpace } from './key-space.ts';

/** Keys that one call may ask for: encoding them is one piece of work, of a few milliseconds. */
export const mostKeys = 10_000;

/** The keys, each with bytes that nobody else has. @throws TypeError `KV_INVALID`; KvError `KV_TOO_LARGE` */
export function planKeys<K>(keys: readonly K[], space: KeySpace<K>): readonly { key: K; bytes: Uint8Array }[] {
  if (!Array.isArray(keys)) throw invalidType('the keys must be an array; use list for a range');
  if (keys.length > mostKeys) {
    const message = `getMany takes ${mostKeys} keys at most; ask in parts, of a reader of one revision: at(revision)`;
    throw new KvError('KV_TOO_LARGE', message, { limit: mostKeys });
  }
  return Array.from(keys as readonly K[], (key) => ({ key, bytes: space.encodeOwn(key) }));
}
