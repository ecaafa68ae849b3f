/**
 * The suite that every `Kv` must pass, for any test runner.
 *
 *   kvConformance({ test, open: (codecs) => open(memory(), codecs) });
 *
 * KVC1  Each scenario has a key, such as `watch/resume`; a known gap is named by it.
 * KVC2  Gaps cannot rot: one that passes, or that does not exist, fails.
 * KVC3  Nothing is needed but the language: no test runner, no platform, no clock. Whoever runs a scenario bounds its time: an
 *      event that never comes is waited for.
 * KVC4  A scenario asks for what the contract promises, nothing else: which revision a store begins with, how many parts a
 *      batch has and how long something takes is not looked at.
 */
import { argumentScenarios } from './arguments.ts';
import { changeScenarios } from './changes.ts';
import { historyScenarios } from './histories.ts';
import { leaseScenarios } from './leases.ts';
import { lifecycleScenarios } from './lifecycle.ts';
import { namespaceScenarios } from './namespaces.ts';
import { oneCallScenarios } from './one-call.ts';
import { optimisticScenarios } from './optimistic.ts';
import { pastScenarios } from './past.ts';
import { readScenarios } from './reads.ts';
import { Bench, type OpenKv, type ReopenKv, type Scenario } from './scenario.ts';
import { selectionScenarios } from './selections.ts';
import { severalScenarios } from './several.ts';
import { txnScenarios } from './txns.ts';
import { undoScenarios } from './undo.ts';
import { watchScenarios } from './watches.ts';
import { writeScenarios } from './writes.ts';

export type { Codecs, OpenKv, ReopenKv } from './scenario.ts';

export interface KvConformanceOptions {
  /** Registers one test: vitest's, node:test's or any other `(name, body) => void`. */
  readonly test: (name: string, body: () => Promise<void>) => void;
  /** A new, empty store with these codecs, which nobody else writes to. */
  readonly open: OpenKv;
  /** The same store again, after `close`; absent where nothing outlives it. */
  readonly reopen?: ReopenKv | undefined;
  /** Keys of scenarios that it is known to fail; one that passes is an error. @default [] */
  readonly knownGaps?: readonly string[] | undefined;
  /** Random histories, each of another seed. @default 6 */
  readonly histories?: number | undefined;
}

const scenarios: readonly Scenario[] = [
  ...readScenarios,
  ...writeScenarios,
  ...txnScenarios,
  ...optimisticScenarios,
  ...oneCallScenarios,
  ...leaseScenarios,
  ...pastScenarios,
  ...watchScenarios,
  ...selectionScenarios,
  ...changeScenarios,
  ...undoScenarios,
  ...severalScenarios,
  ...namespaceScenarios,
  ...argumentScenarios,
  ...lifecycleScenarios,
];

/** Registers the suite that every `Kv` must pass. */
export function kvConformance(options: KvConformanceOptions): void {
  const { test, open, reopen, knownGaps = [], histories = 6 } = options;
  const gaps = new Set(knownGaps);
  for (const scenario of [...scenarios, ...historyScenarios(histories)]) {
    if (scenario.reopens === true && reopen === undefined) continue;
    const known = gaps.delete(scenario.key);
    test(`${scenario.key}: ${scenario.title}${known ? ' (known gap)' : ''}`, async () => {
      const run = runOnce(scenario, open, reopen);
      if (!known) return run;
      const passed = await run.then(
        () => true,
        () => false,
      );
      if (passed) throw new Error(`${scenario.key} passes: take it out of knownGaps`);
    });
  }
  for (const key of gaps) {
    test(`${key}: known gap`, async () => {
      throw new Error(`knownGaps lists ${key}, and there is no such scenario for this store`);
    });
  }
}

async function runOnce(scenario: Scenario, open: OpenKv, reopen: ReopenKv | undefined): Promise<void> {
  const bench = new Bench(open, reopen);
  try {
    await scenario.run(await bench.open(), bench);
  } finally {
    await bench.closeAll();
  }
}
