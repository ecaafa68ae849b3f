/**
 * A turn for others at the end of every public call, once a slice of the event loop is over (law 10): a loop that polls
 * must let the timers and the input run that it waits for.
 *
 * TU1 It comes behind the work of a call, whether it answers or rejects: what was passed is used up by then, and writes
 *     keep the order of their calls.
 * TU2 Asking the clock costs about a twentieth of the fastest read. So those ask it for each sixteen calls, or each sixteen
 *     KiB that they answered with, whichever comes first.
 */
import { sliceOver } from './clock.ts';

const callsPerQuestion = 16;
let calls = 0;

/** Whether a call that took no time to speak of, and answered with so many bytes, has to give a turn. */
export function turnDue(bytes: number): boolean {
  calls += 1 + (bytes >>> 10);
  if (calls < callsPerQuestion) return false;
  calls = 0;
  return sliceOver();
}
