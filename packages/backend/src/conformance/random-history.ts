/** Random histories as scenarios: one a seed, and a failure names seed and step. */
import type { Bench, Scenario } from './scenario.ts';

export interface RandomHistory {
  open(): Promise<void>;
  step(): Promise<void>;
  /** What must hold in the end. */
  end(): Promise<void>;
}

const seeds = [1, 2, 3, 4, 5, 6];

export function randomHistories(
  group: string,
  title: string,
  steps: number,
  start: (bench: Bench, seed: number) => RandomHistory,
): readonly Scenario[] {
  return seeds.map((seed) => ({
    key: `${group}/seed-${seed}`,
    title,
    async run(bench): Promise<void> {
      const history = start(bench, seed);
      await history.open();
      for (let step = 1; step <= steps; step += 1) {
        try {
          await history.step();
        } catch (error) {
          throw new Error(`seed ${seed}, step ${step}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
        }
      }
      await history.end();
    },
  }));
}
