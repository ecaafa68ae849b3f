/** Durations as Go writes them, such as `1h30m` and `100ms`. */

const unitMs: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, '\u00b5s': 1e-3, '\u03bcs': 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/** Milliseconds of a duration of Go, of nothing 0; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  if (text === '0' || text === '') return 0;
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/.exec(text);
  if (match === null) return undefined;
  let sum = 0;
  for (const [, count, unit] of match[2]!.matchAll(/([\d.]+)([^\d.]+)/g)) sum += Number(count) * unitMs[unit!]!;
  return match[1] === '-' ? -sum : sum;
}
