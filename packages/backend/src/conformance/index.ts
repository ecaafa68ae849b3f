/**
 * The suite that every engine must pass, for any test runner.
 *
 *   engineConformance({ test, open: () => myEngine(temporaryFolder()) });
 *
 * IN1  Each scenario has a key, such as `scans/bounds`; a known gap is named by it.
 * IN2  Gaps cannot rot: one that passes, or that does not exist, fails.
 * IN3  Nothing but node:assert is needed. Random histories are seeded; a failure names its seed.
 */
import { asideScenarios } from './asides.ts';
import { backendScenarios } from './backend-model.ts';
import { commitScenarios } from './commits.ts';
import type { Engine } from '../contract/engine.ts';
import { lifecycleScenarios } from './lifecycle.ts';
import { modelScenarios } from './model.ts';
import { pinScenarios } from './pins.ts';
import { readScenarios } from './reads.ts';
import { scanScenarios } from './scans.ts';
import { Bench, type Scenario } from './scenario.ts';

export { deferred, failing, type FailingOptions } from './wrappers.ts';

export interface EngineConformanceOptions {
  /** Registers one test: vitest's, node:test's or any other `(name, body) => void`. */
  readonly test: (name: string, body: () => Promise<void>) => void;
  /** A new, empty engine. */
  readonly open: () => Promise<Engine>;
  /** The same medium again, after `close`; absent for engines that keep nothing. */
  readonly reopen?: ((closed: Engine) => Promise<Engine>) | undefined;
  /** Keys of scenarios the engine is known to fail; one that passes is an error. @default [] */
  readonly knownGaps?: readonly string[] | undefined;
}

const scenarios: readonly Scenario[] = [
  ...readScenarios,
  ...scanScenarios,
  ...pinScenarios,
  ...commitScenarios,
  ...lifecycleScenarios,
  ...asideScenarios,
  ...modelScenarios,
  ...backendScenarios,
];

/** Registers the suite that every engine must pass. */
export function engineConformance(options: EngineConformanceOptions): void {
  const { test, open, reopen, knownGaps = [] } = options;
  const gaps = new Set(knownGaps);
  for (const scenario of scenarios) {
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
      throw new Error(`knownGaps lists ${key}, and there is no such scenario for this engine`);
    });
  }
}

async function runOnce(
  scenario: Scenario,
  open: () => Promise<Engine>,
  reopen: ((closed: Engine) => Promise<Engine>) | undefined,
): Promise<void> {
  const bench = new Bench(open, reopen);
  try {
    await scenario.run(bench);
  } finally {
    await bench.closeAll();
  }
}
