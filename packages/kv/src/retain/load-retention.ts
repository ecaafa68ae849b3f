/** What keeps a store small, loaded where it was asked for: most programs, and bundles for browsers, have no use for it. */
import { loadLate } from '@varve/base/late';
import type { RetainPlan } from './retain-options.ts';
import type { Retention, RetainedStore } from './retention.ts';

/** Makes it for a store that has been opened. */
export type MakeRetention = (of: RetainedStore) => Retention;

export async function loadRetention(plan: RetainPlan | undefined): Promise<MakeRetention | undefined> {
  if (plan === undefined) return undefined;
  const { Retention } = await loadLate(() => import('./retention.ts'));
  return (of) => new Retention(of, plan);
}
