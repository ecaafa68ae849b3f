/**
 * Undo in this process: what every write called before has changed is taken back, too, and the rest is that of every `Kv`.
 *
 * UIN1  The revision is held until it is done: no compaction leaves it half done (spec/retention.md H6).
 */
import type { Selector, UndoOptions, UndoResult } from '@varve/api';
import { checkUndo, type PlainKv, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { section } from './writer.ts';

/** The hold ends with the call. These are for one that lasts: what it keeps is bounded, too (law 9). */
const longestMs = 86_400_000;
const mostLater = 1_000_000;
/** What a hold takes. */
const mostRevisions = 1_000_000_000;

/** @param plain the whole store as bytes */
export function undoIn<K, V>(
  core: Core,
  records: Records<K, V>,
  plain: () => PlainKv,
  { key, revision }: { readonly key: Selector<K>; readonly revision: number },
  options: UndoOptions = {},
): Promise<UndoResult> {
  return core.call(async () => {
    checkUndo(revision, options);
    const task = { bounds: records.keys.select(key), revision, maxOps: records.limits.maxOps, options };
    // In the line of the writes: those called before are in it, those called after are not.
    const { revision: until } = await section(core, options, () => undefined);
    const revisions = Math.min(Math.max(until - revision, 0) + mostLater, mostRevisions);
    const hold = core.holds.add(revision, { ageMs: longestMs, revisions });
    try {
      const { undoPages } = await import('./undo-pages.ts');
      return await undoPages(plain(), task, until);
    } finally {
      hold.close();
    }
  });
}
