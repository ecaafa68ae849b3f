/** Entries of what may be many, with a turn of the event loop after each slice. */
import type { Entry, UndecodableOption } from '@varve/api';
import { decodedOr, type Records } from '@varve/api/implement';
import type { TurnSlice } from '@varve/base/pace';
import type { KeyValue } from '@varve/watch';

export async function entriesOf<K, V>(
  slice: TurnSlice,
  records: Records<K, V>,
  kvs: readonly KeyValue[],
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
