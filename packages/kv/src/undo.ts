/**
 * Undo in this process: what every write called before has changed is taken back, too, and the rest is that of every `Kv`.
 */
import type { Selector, UndoOptions, UndoResult } from '@varve/api';
import { checkUndo, type PlainKv, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { section } from './writer.ts';

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
    const { undoPages } = await import('./undo-pages.ts');
    return undoPages(plain(), task, until);
  });
}
