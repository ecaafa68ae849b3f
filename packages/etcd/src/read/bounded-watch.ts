/**
 * The changes of a range between two revisions that are there: a watch that ends.
 *
 * BWA1  It is over when everything up to `until` has come. Members that tell how far they are (watch/versions.ts) are asked, more and more
 *     rarely; of others the whole store is watched, each revision of which has a change. So it costs what has changed in the store meanwhile.
 * BWA2  Complete or `MVCC_COMPACTED`: a watcher is not refused at the compacted revision itself, and etcd before 3.4.34 has dropped its
 *     deletions. So after each part, the last one included, it is asked whether the revision before it can still be read; and now and then
 *     while nothing comes: a compaction may have taken the very change that is waited for.
 */
import { contains, type Bounds, type StoredChange } from '@varve/api/implement';
import type { Core } from '../core.ts';

export interface Stretch {
  readonly bounds: Bounds;
  /** The first revision wanted. */
  readonly from: number;
  /** The last one; it is there. */
  readonly until: number;
  /** The oldest revision that must be readable until all has come. */
  readonly floor: number;
  /** Where it is known to be the last change of the range, nobody needs to be asked. */
  readonly untilChange?: boolean | undefined;
  readonly signal: AbortSignal | undefined;
}

const firstQuestionMs = 5;
const rarestQuestionMs = 500;

export async function* changesBetween(
  core: Core,
  { bounds, from, until, floor, untilChange = false, signal }: Stretch,
): AsyncGenerator<readonly StoredChange[], void, undefined> {
  if (from > until) return;
  const line = core.hub.open({ bounds, previous: false, only: undefined, exact: !untilChange }, from);
  /** Everything up to here was given. */
  let given = from - 1;
  const check = (): Promise<number> => core.checkReadable(Math.max(floor, given), bounds, signal);
  let stop = (): void => undefined;
  let waitMs = firstQuestionMs;
  const askLater = (): void => {
    stop = core.world.clock.after(waitMs, () => {
      waitMs = Math.min(waitMs * 2, rarestQuestionMs);
      if (!untilChange) line.ask(until);
      if (waitMs === rarestQuestionMs) check().catch((error: unknown) => line.fail(error));
      askLater();
    });
  };
  askLater();
  try {
    while (given < until) {
      let item = line.next > until ? line.poll() : await line.pull(signal);
      core.checkShut();
      if (item === undefined && line.next <= until) return;
      const part: StoredChange[] = [];
      // What waits already is one part: each costs a question.
      for (; item !== undefined; item = line.poll()) {
        if (item.type === 'progress') continue;
        for (const change of item.changes)
          if (change.kv.modRevision <= until && contains(bounds, change.kv.key)) part.push(change);
      }
      const come = Math.min(line.next - 1, until);
      await check();
      given = come;
      if (part.length > 0) yield part;
    }
  } finally {
    stop();
    line.close();
  }
}
