/** Entries of what may be many, with a turn of the event loop after each slice. */
import type { Entry } from '@varve/api';
import type { Records } from '@varve/api/implement';
import type { TurnSlice } from '@varve/base/pace';
import type { KeyValue } from '@varve/watch';

export async function entriesOf<K, V>(
  slice: TurnSlice,
  records: Records<K, V>,
  kvs: readonly KeyValue[],
  signal?: AbortSignal,
): Promise<readonly Entry<K, V>[]> {
  const entries: Entry<K, V>[] = [];
  for (const kv of kvs) {
    if (slice.over()) {
      await slice.next();
      signal?.throwIfAborted();
    }
    entries.push(records.entry(kv));
  }
  return entries;
}
