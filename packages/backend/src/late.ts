/** Parts of a Backend that are loaded when they are first used, or with it where code is near (`@varve/base/late`). */
import { codeIsNear } from '@varve/base/host';
import { Late } from '@varve/base/late';

export const copying: Late<typeof import('./read/snapshot.ts')> = new Late(() => import('./read/snapshot.ts'));
export const hashing: Late<typeof import('./read/hash.ts')> = new Late(() => import('./read/hash.ts'));

/** While a Backend opens: all of them, where code is near. */
export async function loadParts(): Promise<void> {
  if (codeIsNear) await Promise.all([copying.load(), hashing.load()]);
}
