/** The cheapest question: it counts one key, and brings the present revision with the answer. */
import type { Bounds } from '@varve/api/implement';
import { kvService } from '@varve/etcd-api';
import type { Calls } from './channel/calls.ts';
import { rangeRequest } from './messages.ts';

/**
 * Resolves with the newest revision of all that was answered before, whatever the option `reads`.
 * @param near its key is asked for: one that the user may read
 * @param revision which must be readable, 0 for the present
 * @throws KvError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION` for a revision that cannot be read
 */
export async function askRevision(calls: Calls, near: Bounds, revision: number, signal?: AbortSignal): Promise<number> {
  const asked = { bounds: { key: near.key, end: undefined }, revision, countOnly: true };
  return calls.see((await calls.unary(kvService.range, rangeRequest(asked), { signal })).header);
}
