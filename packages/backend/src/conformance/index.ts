import type { Engine } from '../engine.ts';

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

/** Registers the suite that every engine must pass. */
export declare function engineConformance(options: EngineConformanceOptions): void;
