/**
 * Undo on a cluster: what every write called before has changed is taken back, too, and the rest is that of every `Kv`.
 */
import type { Selector, UndoOptions, UndoResult } from '@varve/api';
import { planUndo, undoPages, type PlainKv, type Records } from '@varve/api/implement';
import type { Core } from '../core.ts';

/** @param plain the whole store as bytes */
export function undoOn<K, V>(
  core: Core,
  records: Records<K, V>,
  plain: () => PlainKv,
  { key, revision }: { readonly key: Selector<K>; readonly revision: number },
  options: UndoOptions = {},
): Promise<UndoResult> {
  return core.call(async () => {
    const task = planUndo(records, key, revision, options);
    const { signal } = options;
    // In the line of the writes: those called before are in it, those called after are not.
    const until = await core.line.enter(() => core.present(task.bounds, signal), signal);
    return undoPages(plain(), task, until);
  });
}
