/**
 * The changes of a range between two revisions that are there: a watch that ends.
 *
 * BWA1  It is over when everything up to `until` has come. Members that tell how far they are (watch/true-progress.ts) are asked, more and more
 *     rarely; of others the whole store is watched, each revision of which has a change. So it costs what has changed in the store meanwhile.
 * BWA2  While nothing comes, `since` is asked for now and then: a compaction may have taken the very change that is waited for.
 */
import { contains, type Bounds, type StoredChange } from '@varve/api/implement';
import type { Core } from '../core.ts';

export interface Stretch {
  readonly bounds: Bounds;
  /** The first revision wanted. */
  readonly from: number;
  /** The last one; it is there. */
  readonly until: number;
  /** Where it is known to be the last change of the range, nobody needs to be asked. */
  readonly untilChange?: boolean | undefined;
  readonly signal: AbortSignal | undefined;
}

const firstQuestionMs = 5;
const rarestQuestionMs = 500;

export async function* changesBetween(
  core: Core,
  { bounds, from, until, untilChange = false, signal }: Stretch,
): AsyncGenerator<readonly StoredChange[], void, undefined> {
  if (from > until) return;
  const line = core.hub.open({ bounds, previous: false, only: undefined, exact: !untilChange }, from);
  let stop = (): void => undefined;
  let waitMs = firstQuestionMs;
  const askLater = (): void => {
    stop = core.world.clock.after(waitMs, () => {
      waitMs = Math.min(waitMs * 2, rarestQuestionMs);
      if (!untilChange) line.ask(until);
      if (waitMs === rarestQuestionMs) {
        core.checkReadable(from - 1, bounds, signal).then(
          () => undefined,
          (error: unknown) => line.fail(error),
        );
      }
      askLater();
    });
  };
  askLater();
  try {
    while (line.next <= until) {
      const item = await line.pull(signal);
      core.checkShut();
      if (item === undefined) return;
      if (item.type === 'progress') continue;
      // Any that came may be the last to be taken before `next` says so.
      const changes = item.changes.filter(({ kv }) => kv.modRevision <= until && contains(bounds, kv.key));
      if (changes.length > 0) yield changes;
    }
    for (let item = line.poll(); item !== undefined; item = line.poll()) {
      if (item.type !== 'changes') continue;
      const changes = item.changes.filter(({ kv }) => kv.modRevision <= until);
      if (changes.length > 0) yield changes;
    }
  } finally {
    stop();
    line.close();
  }
}
