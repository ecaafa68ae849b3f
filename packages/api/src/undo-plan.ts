/** The arguments of an undo, checked: the same for every `Kv`. Apart from the work, which is loaded when it is asked for. */
import { checkNames, checkOptionalFunction, checkRevision, checkSignal } from './checks.ts';
import type { UndoOptions } from './undo.ts';

const optionNames = ['onPage', 'signal'];

/** @throws TypeError, RangeError `KV_INVALID` */
export function checkUndo(revision: number, options: UndoOptions): void {
  checkRevision(revision, 'revision');
  checkNames(options, 'options', optionNames);
  checkOptionalFunction(options.onPage, 'onPage');
  checkSignal(options.signal);
}
