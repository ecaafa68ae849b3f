/**
 * The changes of a key or a range between two revisions, in revision order.
 *
 * KCH1  The end is the present of the first pull, or `until`: the stream is finite whatever is written meanwhile.
 * KCH2  Complete or `MVCC_COMPACTED`: below the compacted revision deletions are gone, and of what that revision itself changed, a
 *     key's earlier changes (decisions/0035; etcd before 3.4.34 drops its deletions, too). So whoever does not know that revision's
 *     state is not told what has changed since.
 * KCH3  A revision is never split: it is given whole, also where the limit is reached in it (law 4).
 */
import { KvError, type ChangesOptions, type Items, type KvEvent, type Selector } from '@varve/api';
import { changesOf as changesIn, contains, type Bounds, type Records } from '@varve/api/implement';
import type { Change } from '@varve/watch';
import type { Core } from './core.ts';
import { checkNotFuture } from './readable.ts';

export function changesOf<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: Selector<K>,
  options: ChangesOptions,
): Items<KvEvent<K, V>> {
  return changesIn(core.streams, records, selector, options, (bounds, asked) => partsOf(core, bounds, asked));
}

/** Revisions of the past for what begins now. @throws KvError `MVCC_FUTURE_REVISION`, `MVCC_COMPACTED` */
function checkReadable(core: Core, revision: number): void {
  checkNotFuture(core, revision);
  const compacted = core.store.firstRev();
  if (revision < compacted) {
    const message = `what has changed since revision ${revision} is not known any more, it is compacted; read the state at ${compacted} or later and go on from there`;
    throw new KvError('MVCC_COMPACTED', message, { compactRevision: compacted });
  }
}

async function* partsOf(
  core: Core,
  bounds: Bounds,
  { since, until = core.store.rev(), signal }: ChangesOptions,
): AsyncGenerator<readonly Change[], void, undefined> {
  checkReadable(core, since);
  checkReadable(core, until);
  /** The first revision that was not read yet. */
  let next = since + 1;
  // A compaction at the very revision that comes next may have taken a part of it (KCH2).
  const check = (): void => {
    if (next <= until) checkReadable(core, next - 1);
  };
  for await (const changes of core.store.changes(next, until + 1, { signal, chunkSize: 256 })) {
    check();
    next = (changes.at(-1)?.kv.modRevision ?? until) + 1;
    yield changes.filter(({ kv }) => contains(bounds, kv.key));
  }
  check();
}
