/**
 * The difference between two revisions, key by key.
 *
 * DF1  The values of some pairs are held at a time: they may be large.
 *
 * How the two are compared is api/src/diff-source.ts.
 */
import type { Difference, DiffOptions, Items } from '@varve/api';
import { diffOf as diffIn, type Compared, type DiffPair, type Records } from '@varve/api/implement';
import type { KeyValue } from '@varve/watch';
import type { Core } from './core.ts';
import { Walk } from './range-walk.ts';

/** Read from the medium, two values each, they take well below a millisecond. */
const atOnce = 16;

export function diffOf<K, V>(
  core: Core,
  records: Records<K, V>,
  compared: Compared<K>,
  options: DiffOptions = {},
): Items<Difference<K, V>> {
  const { first, second } = compared;
  const read = (kv: { readonly key: Uint8Array } | undefined, revision: number): KeyValue | undefined =>
    kv && core.store.get(kv.key, { revision });
  return diffIn(core.streams, records, compared, options, (bounds, plan) => {
    const walkAt = (revision: number): Walk => new Walk(core, { bounds, plan, revision, keysOnly: true });
    return {
      first: walkAt(first),
      second: walkAt(second),
      atOnce,
      withValues: (pairs: readonly DiffPair[]) =>
        pairs.map(({ before, after }) => ({ before: read(before, first), after: read(after, second) })),
    };
  });
}
