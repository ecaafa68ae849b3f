/** What a difference was asked for, checked; apart from how it is found, which a store may load when it is used. */
import type { Bounds } from './bounds.ts';
import type { DiffOptions } from './changes.ts';
import { checkRevision } from './checks.ts';
import type { Range } from './kv.ts';
import type { StreamOwner } from './pull.ts';
import { checkDiff, planRead, type ReadPlan } from './read-plan.ts';
import type { Records } from './records.ts';

/** What is compared. */
export interface Compared<K> {
  readonly first: number;
  readonly second: number;
  readonly range: Range<K>;
}

/** @throws KvError `KV_CLOSED`; TypeError, RangeError `KV_INVALID` */
export function planDiff<K, V>(
  owner: StreamOwner,
  records: Records<K, V>,
  { first, second, range }: Compared<K>,
  options: DiffOptions,
): { readonly bounds: Bounds; readonly plan: ReadPlan } {
  owner.check();
  checkRevision(first, 'the first revision');
  checkRevision(second, 'the second revision');
  checkDiff(options);
  const plan = planRead(options);
  return { bounds: records.keys.bounds(range), plan };
}
