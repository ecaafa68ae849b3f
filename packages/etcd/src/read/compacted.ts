/**
 * How far the store is compacted.
 *
 * CPT1  etcd has no call for it. That revision 1 can be read says that nothing is; else a watcher that wants revision 1 is refused with the
 *     oldest revision there is, within a tenth of a second, and reads nothing.
 */
import { KvError } from '@varve/api';
import type { Bounds } from '@varve/api/implement';
import type { Core } from '../core.ts';

/** The oldest revision that can be read; 0 where nothing is compacted. */
export async function compactedTo(core: Core, near?: Bounds, signal?: AbortSignal): Promise<number> {
  const bounds: Bounds = near ?? { key: Uint8Array.of(0), end: undefined };
  try {
    await core.checkReadable(1, bounds, signal);
    return 0;
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'MVCC_COMPACTED') throw error;
  }
  const line = core.hub.open(
    { bounds: { key: bounds.key, end: undefined }, previous: false, only: undefined, exact: false },
    1,
  );
  try {
    await line.pull(signal);
    throw new KvError('KV_REMOTE', 'the cluster said that revision 1 is compacted, and has it all the same');
  } catch (error) {
    if (error instanceof KvError && error.code === 'MVCC_COMPACTED' && error.compactRevision !== undefined)
      return error.compactRevision;
    throw error;
  } finally {
    line.close();
  }
}
