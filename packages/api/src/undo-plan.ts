/** What an undo is asked to do, checked: the same for every `Kv`. Apart from the work, which is loaded when it is asked for. */
import { checkNames, checkOptionalFunction, checkRevision, checkSignal } from './checks.ts';
import type { Selector } from './kv.ts';
import type { Records } from './records.ts';
import type { UndoOptions } from './undo.ts';
import type { UndoTask } from './undo-pages.ts';

const optionNames = ['onPage', 'signal'];

/** @throws TypeError, RangeError `KV_INVALID` */
export function planUndo<K, V>(
  records: Records<K, V>,
  key: Selector<K>,
  revision: number,
  options: UndoOptions,
): UndoTask {
  checkRevision(revision, 'revision');
  checkNames(options, 'options', optionNames);
  checkOptionalFunction(options.onPage, 'onPage');
  checkSignal(options.signal);
  return { bounds: records.keys.select(key), revision, maxOps: records.limits.maxOps, options };
}
