/** The difference between two revisions, key by key: checked here, found by a part that is loaded for it (`diff-walk.ts`). */
import type { Difference, DiffOptions, Items } from '@varve/api';
import { planDiff, pullEach, type Compared, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { diffing, LateSource } from './late.ts';

export function diffOf<K, V>(
  core: Core,
  records: Records<K, V>,
  compared: Compared<K>,
  options: DiffOptions = {},
): Items<Difference<K, V>> {
  const planned = planDiff(core.streams, records, compared, options);
  return pullEach(
    core.streams.slice,
    () => new LateSource(diffing, ({ differences }) => differences(core, records, compared, planned)),
  );
}
