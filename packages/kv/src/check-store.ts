/** The check of all that a store keeps: asked for here, done by a part that is loaded for it (`check-walk.ts`). */
import type { SignalOptions } from '@varve/api';
import { checkNames, checkOptionalFunction, checkSignal } from '@varve/api/implement';
import type { Core } from './core.ts';
import { checking } from './late.ts';

export interface CheckProgress {
  /** Records are looked for in the index, then keys are read. */
  readonly phase: 'records' | 'keys';
  /** So many of them so far. */
  readonly done: number;
}

export interface CheckOptions extends SignalOptions {
  /** Called now and then. What it throws ends the check. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

export interface CheckResult {
  /** The revision that was checked. */
  readonly revision: number;
  /** Retained changes from the compacted revision on. */
  readonly records: number;
  /** Keys there are at `revision`. */
  readonly keys: number;
  /** What does not fit, one sentence each, the first hundred; empty where all is well. */
  readonly problems: readonly string[];
  /** How many there are. */
  readonly problemCount: number;
}

const optionNames = ['signal', 'onProgress'];

export function checkStore(core: Core, options: CheckOptions = {}): Promise<CheckResult> {
  return core.call(async () => {
    checkNames(options, 'options', optionNames);
    checkOptionalFunction(options.onProgress, 'onProgress');
    checkSignal(options.signal);
    // No state can be read while a section runs.
    if (core.inside) await Promise.resolve();
    const { checkAll } = checking.loaded ?? (await checking.load());
    return checkAll(core, core.store.rev(), options);
  });
}
