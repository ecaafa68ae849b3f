/** Whether a revision of the past can be read by what begins now, as the reads of the store itself say it. */
import { KvError } from '@varve/api';
import type { Core } from './core.ts';

/** @throws KvError `MVCC_FUTURE_REVISION` */
export function checkNotFuture({ store }: Core, revision: number): void {
  const currentRevision = store.rev();
  if (revision <= currentRevision) return;
  const message = `revision ${revision} does not exist yet; ask for ${currentRevision} or earlier`;
  throw new KvError('MVCC_FUTURE_REVISION', message, { currentRevision });
}
