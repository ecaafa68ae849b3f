/** Long synchronous work, cut into slices of the event loop (law 10). */
import { nextTurn, now } from './clock.ts';

/** Others come about as often as they do beside a compaction's batches. */
const TURN_MS = 1;

/**
 * Runs a generator to its end, a millisecond at a time.
 * @param check called after every turn in which others ran; what it throws ends the work
 */
export async function drive<T>(work: Generator<void, T, void>, check: () => void): Promise<T> {
  for (let began = now(); ;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (now() - began < TURN_MS) continue;
    await nextTurn();
    check();
    began = now();
  }
}
