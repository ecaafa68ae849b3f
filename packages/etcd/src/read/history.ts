/**
 * The retained changes of one key, oldest first, or newest first.
 *
 * EHS1  The present is the moment of the first pull: what is written later is not in it.
 * EHS2  What the compacted revision left of the key comes first; then what a watch of the key brings. Where the key is there at the end, its
 *     last change is known and the watch ends with it; where it is not, the whole store may have to be looked through (bounded-watch.ts).
 * EHS3  The newest first: all are read before the first is given, but no more of them are held than the limit says.
 */
import type { HistoryOptions, Items, KvEvent } from '@varve/api';
import { historyOf as historyIn, type Bounds, type Records, type StoredChange } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { storedRecord } from '../messages.ts';
import { changesBetween } from './bounded-watch.ts';
import { compactedTo } from './compacted.ts';

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): Items<KvEvent<K, V>> {
  return historyIn(core.streams, records, key, options, (bytes, asked) =>
    partsOf(core, { key: bytes, end: undefined }, asked),
  );
}

async function* partsOf(
  core: Core,
  bounds: Bounds,
  { from, until: wanted, signal }: HistoryOptions,
): AsyncGenerator<readonly StoredChange[], void, undefined> {
  if (wanted !== undefined) await core.checkReadable(wanted, bounds, signal);
  const until = wanted ?? (await core.present(bounds, signal));
  let start = from ?? 1;
  let floor = from ?? 0;
  if (from === undefined) {
    const compacted = await compactedTo(core, bounds, signal);
    if (compacted > 0) {
      const { kvs } = await core.range({ bounds, revision: compacted }, signal);
      const kept = kvs.map((kv): StoredChange => ({ type: 'put', kv: storedRecord(kv) }));
      if (compacted <= until) yield kept;
      start = compacted + 1;
      floor = compacted;
    }
  } else if (from <= until) {
    await core.checkReadable(from, bounds, signal);
  }
  if (start > until) return;
  const { kvs } = await core.range({ bounds, revision: until }, signal);
  const [found] = kvs;
  // Where it is there, its last change is known.
  const end = found === undefined ? until : Number(found.modRevision);
  const untilChange = found !== undefined;
  yield* changesBetween(core, { bounds, from: start, until: end, floor, untilChange, signal });
}
