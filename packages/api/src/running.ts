/**
 * Optimistic transactions that have not ended, and waiting for them before a store closes.
 *
 * RNG1  One is waited for while its body waits for nothing but its own reads and commits: one that waits for something else may be waiting for
 *     the very call that waits for it.
 */
import { checkNames, checkOptionalInteger } from './checks.ts';
import { invalidType } from './errors.ts';
import type { TransactionOptions } from './kv.ts';

/** An optimistic transaction that has not ended yet. */
export interface Running {
  /** Its own reads and commits that are under way. */
  busy: number;
  /** Something of it has happened since it was looked at. */
  moved: boolean;
}

const optionNames = ['attempts', 'signal'];

/** The options of a transaction with their defaults. @throws TypeError, RangeError `KV_INVALID` */
export function planTransaction(
  body: unknown,
  options: TransactionOptions,
): { readonly attempts: number; readonly signal: AbortSignal | undefined } {
  if (typeof body !== 'function') throw invalidType('the body of a transaction must be a function');
  checkNames(options, 'options', optionNames);
  const { attempts = 1000, signal } = options;
  checkOptionalInteger(attempts, 'attempts', 1, Number.MAX_SAFE_INTEGER);
  return { attempts, signal };
}

export class RunningTransactions {
  readonly #running = new Set<Running>();

  /** Runs one. */
  async run<T>(work: (running: Running) => Promise<T>): Promise<T> {
    const running: Running = { busy: 0, moved: true };
    this.#running.add(running);
    try {
      return await work(running);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Resolves when none of those that run now waits for something of its own any more. @param look resolves when they may be looked at again */
  async passed(look: () => Promise<void>): Promise<void> {
    let called = [...this.#running];
    while (called.length > 0) {
      for (const running of called) running.moved = false;
      await look();
      called = called.filter((running) => this.#running.has(running) && (running.moved || running.busy > 0));
    }
  }
}
