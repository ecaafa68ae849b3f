/** Waiting for a condition, without a time in it. */
import { setImmediate } from 'node:timers/promises';

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setImmediate();
}

/** What `work` ends with, which should fail. */
export async function failure(work: () => unknown): Promise<Error & { code?: string; limit?: number }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}
