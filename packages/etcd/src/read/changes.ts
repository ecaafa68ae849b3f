/**
 * The changes of a key or a range between two revisions, in revision order.
 *
 * ECH1  The end is the present of the first pull, or `until`: the stream is finite whatever is written meanwhile.
 * ECH2  Complete or `MVCC_COMPACTED` (BWA2; KCH2 of kv).
 */
import type { ChangesOptions, Items, KvEvent, Selector } from '@varve/api';
import { changesOf as changesIn, type Bounds, type Records, type StoredChange } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { changesBetween } from './bounded-watch.ts';

export function changesOf<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: Selector<K>,
  options: ChangesOptions,
): Items<KvEvent<K, V>> {
  return changesIn(core.streams, records, selector, options, (bounds, asked) => partsOf(core, bounds, asked));
}

async function* partsOf(
  core: Core,
  bounds: Bounds,
  { since, until, signal }: ChangesOptions,
): AsyncGenerator<readonly StoredChange[], void, undefined> {
  await core.checkReadable(since, bounds, signal);
  if (until !== undefined && until > core.calls.seen) await core.checkReadable(until, bounds, signal);
  const last = until ?? (await core.present(bounds, signal));
  yield* changesBetween(core, { bounds, from: since + 1, until: last, floor: since, signal });
}
