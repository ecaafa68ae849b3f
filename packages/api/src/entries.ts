/** Entries of what may be many, with a turn of the event loop after each slice (law 10). */
import type { Entry } from './kv.ts';
import type { UndecodableOption } from './list-options.ts';
import type { PullSlice } from './pull.ts';
import type { Records, StoredRecord } from './records.ts';
import { decodedOr } from './undecodable.ts';

export async function entriesOf<K, V>(
  slice: PullSlice,
  records: Records<K, V>,
  kvs: readonly StoredRecord[],
  signal?: AbortSignal,
  undecodable?: UndecodableOption['undecodable'],
): Promise<readonly Entry<K, V>[]> {
  const entries: Entry<K, V>[] = [];
  for (const kv of kvs) {
    if (slice.over()) {
      await slice.next();
      signal?.throwIfAborted();
    }
    const entry = decodedOr(records, undecodable, kv, () => records.entry(kv));
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
