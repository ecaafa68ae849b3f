/**
 * How the difference between two revisions is found.
 *
 * DF1  The values of some pairs are held at a time: they may be large.
 *
 * How the two are compared is api/src/diff-source.ts.
 */
import type { Difference } from '@varve/api';
import {
  diffSource,
  type Bounds,
  type Compared,
  type DiffPair,
  type ReadPlan,
  type Records,
  type Source,
} from '@varve/api/implement';
import type { KeyValue } from '@varve/watch';
import type { Core } from './core.ts';
import { Walk } from './range-walk.ts';

/** Read from the medium, two values each, they take well below a millisecond. */
const atOnce = 16;

/** One iteration. */
export function differences<K, V>(
  core: Core,
  records: Records<K, V>,
  { first, second }: Compared<K>,
  { bounds, plan }: { readonly bounds: Bounds; readonly plan: ReadPlan },
): Source<Difference<K, V>> {
  const read = (kv: { readonly key: Uint8Array } | undefined, revision: number): KeyValue | undefined =>
    kv && core.store.get(kv.key, { revision });
  const walkAt = (revision: number): Walk => new Walk(core, { bounds, plan, revision, keysOnly: true });
  return diffSource(core.streams, records, plan, {
    first: walkAt(first),
    second: walkAt(second),
    atOnce,
    withValues: (pairs: readonly DiffPair[]) =>
      pairs.map(({ before, after }) => ({ before: read(before, first), after: read(after, second) })),
  });
}
