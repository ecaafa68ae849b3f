/** Parts of the store that are loaded when they are first used, or with it where code is near (`@varve/base/late`). */
import { codeIsNear } from '@varve/base/host';
import { Late } from '@varve/base/late';

export const compacting: Late<typeof import('./compaction.ts')> = new Late(() => import('./compaction.ts'));
export const hashing: Late<typeof import('./hash-by-revision.ts')> = new Late(() => import('./hash-by-revision.ts'));

/** While a store opens: all of them, where code is near. */
export async function loadParts(): Promise<void> {
  if (codeIsNear) await Promise.all([compacting.load(), hashing.load()]);
}
