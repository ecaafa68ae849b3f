/**
 * Undo in this process: what every write called before has changed is taken back, too, and the rest is that of every `Kv`.
 *
 * UIN1  The revision is held until it is done: no compaction leaves it half done (spec/retention.md H6).
 */
import type { Selector, UndoOptions, UndoResult } from '@varve/api';
import { planUndo, type PlainKv, type Records } from '@varve/api/implement';
import { loadLate } from '@varve/base/late';
import type { Core } from './core.ts';
import { MOST_AGE_MS, MOST_REVISIONS } from './retain/hold.ts';
import { section } from './section.ts';

/** Revisions that may come while it lasts. The hold ends with the call: this is for one that goes on, so that what it keeps is bounded (law 9). */
const mostLater = 1_000_000;

/** @param plain the whole store as bytes */
export function undoIn<K, V>(
  core: Core,
  records: Records<K, V>,
  plain: () => PlainKv,
  { key, revision }: { readonly key: Selector<K>; readonly revision: number },
  options: UndoOptions = {},
): Promise<UndoResult> {
  return core.call(async () => {
    const task = planUndo(records, key, revision, options);
    // In the line of the writes: those called before are in it, those called after are not.
    const { revision: until } = await section(core, options, () => undefined);
    const revisions = Math.min(Math.max(until - revision, 0) + mostLater, MOST_REVISIONS);
    const hold = core.holds.add(revision, { ageMs: MOST_AGE_MS, revisions });
    try {
      const { undoPages } = await loadLate(() => import('./undo-pages.ts'));
      return await undoPages(plain(), task, until);
    } finally {
      hold.close();
    }
  });
}
