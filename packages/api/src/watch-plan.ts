/** The options of a watch, checked: the same for every `Kv`. */
import { checkNames, checkOptionalBoolean, checkOptionalInteger, checkSignalType } from './checks.ts';
import { invalidType } from './errors.ts';
import type { WatchOptions } from './kv.ts';
import { checkUndecodable } from './read-plan.ts';

/** Options of a watch, checked. */
export interface WatchPlan {
  /** 0 for the next one. */
  readonly from: number;
  readonly initial: boolean;
  readonly previous: boolean;
  readonly only: 'put' | 'delete' | undefined;
  readonly progressIntervalMs: number | undefined;
  readonly resync: boolean;
  readonly undecodable: WatchOptions['undecodable'];
  readonly signal: AbortSignal | undefined;
}

const optionNames = ['from', 'initial', 'previous', 'only', 'progressIntervalMs', 'resync', 'undecodable', 'signal'];

/** Checks the options of a watch. @throws TypeError, RangeError `KV_INVALID` */
export function planWatch(options: WatchOptions): WatchPlan {
  if (typeof options === 'function') throw invalidType('a watch calls nobody: read it with for await');
  checkNames(options, 'options', optionNames);
  const { from, initial, previous, only, progressIntervalMs, resync, undecodable, signal } = options;
  checkOptionalInteger(from, 'from', 1, Number.MAX_SAFE_INTEGER);
  checkOptionalBoolean(initial, 'initial');
  checkOptionalBoolean(previous, 'previous');
  checkOptionalInteger(progressIntervalMs, 'progressIntervalMs', 1, 0x7fffffff);
  if (only !== undefined && only !== 'put' && only !== 'delete') throw invalidType('only must be "put" or "delete"');
  checkOptionalBoolean(resync, 'resync');
  checkUndecodable(undecodable);
  checkSignalType(signal);
  if (initial === true && from !== undefined)
    throw invalidType('a watch begins with from or with initial, not with both');
  if (initial === true && only === 'delete') throw invalidType('initial gives puts, which only: "delete" leaves out');
  if (resync === true && only === 'delete') throw invalidType('resync gives puts, which only: "delete" leaves out');
  return {
    from: from ?? 0,
    initial: initial === true,
    previous: previous === true,
    only,
    progressIntervalMs,
    resync: resync === true,
    undecodable,
    signal,
  };
}
