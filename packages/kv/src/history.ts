/**
 * The retained changes of one key, oldest first, or newest first.
 *
 * HS1  The present is the moment of the first pull: what is written later is not in it.
 * HS2  Changes are fetched some at a time, with a turn of the event loop in between (law 10), and decoded as they are
 *     pulled. A compaction that may have taken what was not fetched yet ends the stream (law 2).
 * HS3  The newest first: the index tells a key's changes from the oldest on, so they are all looked up before the first is given,
 *     but no more of them are held than the limit says.
 */
import type { HistoryOptions, Items, KvEvent } from '@varve/api';
import { historyOf as historyIn, type Records } from '@varve/api/implement';
import type { Change } from '@varve/watch';
import type { Core } from './core.ts';
import { checkNotFuture } from './readable.ts';

/** Read from the medium, they take a millisecond or two. */
const fetchLimit = 128;

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): Items<KvEvent<K, V>> {
  return historyIn(core.streams, records, key, options, (bytes, asked) => fetched(core, bytes, asked));
}

async function* fetched(
  core: Core,
  key: Uint8Array,
  { from, until = core.store.rev(), signal }: HistoryOptions,
): AsyncGenerator<readonly Change[], void, undefined> {
  checkNotFuture(core, until);
  for (let next = from; ;) {
    core.check();
    const changes = core.store.history(key, { from: next, limit: fetchLimit });
    yield changes.filter((change) => change.kv.modRevision <= until);
    const last = changes.at(-1);
    if (changes.length < fetchLimit || last === undefined || last.kv.modRevision >= until) return;
    next = last.kv.modRevision + 1;
    await core.world.clock.turn();
    signal?.throwIfAborted();
  }
}
