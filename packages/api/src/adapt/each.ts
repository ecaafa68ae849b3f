/**
 * Any number of keys, in parts of what one call takes.
 *
 * EHK1  Many keys are read at one revision, however many parts that takes.
 * EHK2  Many keys are deleted in parts of a revision each, so that no other work waits for all of them (law 10).
 */
import type { DeleteSelector, Entry, Kv } from '../kv.ts';
import { mostKeys } from '../many-keys.ts';

/** Keys that one call deletes: some ten milliseconds of work. */
const deletedAtOnce = 1000;

/** The entries, each at the place of its key. Throws as `getMany`, and `MVCC_COMPACTED` where parts are overtaken by a compaction. */
export async function getEach<K, V, W>(
  kv: Kv<K, V, W>,
  keys: readonly K[],
): Promise<readonly (Entry<K, V> | undefined)[]> {
  if (keys.length <= mostKeys) return kv.getMany(keys);
  const reader = kv.at((await kv.status()).revision);
  const found: (Entry<K, V> | undefined)[] = [];
  for (let i = 0; i < keys.length; i += mostKeys) {
    for (const entry of await reader.getMany(keys.slice(i, i + mostKeys))) found.push(entry);
  }
  return found;
}

/** Deletes the keys of a range, also those that appear meanwhile. Throws as `delete`. */
export async function deleteEach<K, V, W>(kv: Kv<K, V, W>, doomed: DeleteSelector<K>): Promise<void> {
  while ((await kv.delete(doomed, { limit: deletedAtOnce })).more === true);
}
