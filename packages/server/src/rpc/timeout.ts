/**
 * How long a caller waits, as gRPC writes it: a number and a unit, such as `5S`.
 *
 * SVTO1  What is longer than a timer goes (three weeks and a half) is as if there were no limit: such a timer would end at once.
 */

const LONGEST_MS = 2 ** 31 - 1;
const unitsMs: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/** In milliseconds; Infinity: no limit; undefined: it is not written like one. @param digits what a number may look like, all of it */
export function timeoutMsOf(text: string, digits: RegExp): number | undefined {
  const unitMs = unitsMs.get(text.slice(-1));
  const number = text.slice(0, -1);
  if (unitMs === undefined || !digits.test(number)) return undefined;
  const ms = Number(number) * unitMs;
  return ms > LONGEST_MS ? Infinity : ms;
}
