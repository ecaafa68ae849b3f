/**
 * The difference between two revisions, key by key.
 *
 * EDF1  Of keys that are equal no value crosses the network; of the others they are asked for some at a time, by one call a revision.
 *
 * How the two are compared is api/src/diff-source.ts.
 */
import type { Difference, DiffOptions, Items } from '@varve/api';
import { diffOf as diffIn, type Compared, type DiffPair, type Records, type StoredRecord } from '@varve/api/implement';
import { serverTxnOps } from '../channel/verdict.ts';
import type { Core } from '../core.ts';
import { recordsOfKeys } from './many.ts';
import { Walk } from './range-walk.ts';

export function diffOf<K, V>(
  core: Core,
  records: Records<K, V>,
  compared: Compared<K>,
  options: DiffOptions = {},
): Items<Difference<K, V>> {
  const { first, second } = compared;
  return diffIn(core.streams, records, compared, options, (bounds, plan) => {
    const walkAt = (revision: number): Walk => new Walk(core, { bounds, plan, revision, keysOnly: true });
    const read = async (
      kvs: readonly (StoredRecord | undefined)[],
      revision: number,
    ): Promise<readonly (StoredRecord | undefined)[]> => {
      const wanted = kvs.flatMap((kv) => (kv === undefined ? [] : [kv.key]));
      const found = [...(await recordsOfKeys(core, wanted, revision, plan.signal))];
      return kvs.map((kv) => (kv === undefined ? undefined : found.shift()));
    };
    return {
      first: walkAt(first),
      second: walkAt(second),
      atOnce: serverTxnOps,
      async withValues(pairs: readonly DiffPair[]) {
        const before = await read(
          pairs.map((pair) => pair.before),
          first,
        );
        const after = await read(
          pairs.map((pair) => pair.after),
          second,
        );
        return pairs.map((_, i) => ({ before: before[i], after: after[i] }));
      },
    };
  });
}
