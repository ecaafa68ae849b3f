import type { Engine } from './engine.ts';

export interface MemoryEngine extends Engine {
  readonly durable: false;
}

/** Rows in memory; nothing outlives the process. */
export declare function memoryEngine(): MemoryEngine;
