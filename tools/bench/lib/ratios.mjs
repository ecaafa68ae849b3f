// @ts-check
// Samples to the figures that tables show. A sample is samples[metric][peer][round]; null where a round gave none.
import { median } from './stats.mjs';

/** @typedef {import('./contract.d.mts').Samples} Samples */

/** The middle of a peer's rounds. @param {Samples} samples @param {string} metric @param {string} peer */
export function valueOf(samples, metric, peer) {
  const given = (samples[metric]?.[peer] ?? []).filter((x) => x !== null);
  return given.length === 0 ? undefined : median(given);
}

/**
 * To another peer, taken inside a round, between neighbours in time; the middle of the rounds.
 * @param {Samples} samples @param {string} metric @param {string} peer @param {string} anchor
 */
export function ratioOf(samples, metric, peer, anchor) {
  const base = samples[metric]?.[anchor] ?? [];
  const ratios = (samples[metric]?.[peer] ?? [])
    .map((x, round) => {
      const other = base[round] ?? 0;
      return x !== null && other > 0 ? x / other : null;
    })
    .filter((x) => x !== null);
  return ratios.length === 0 ? undefined : median(ratios);
}

/** @param {number} x */
export function times(x) {
  if (x >= 9.95) return x.toFixed(0);
  return x >= 0.095 ? x.toFixed(2) : x.toPrecision(1);
}

/**
 * @param {number} x
 * @param {string} unit
 */
export function human(x, unit) {
  if (unit === 'op/s' || unit === 'ev/s')
    return x >= 9950 ? `${(x / 1000).toFixed(x >= 99_500 ? 0 : 1)}k/s` : `${x.toFixed(0)}/s`;
  if (unit === 'us') return x >= 9950 ? `${(x / 1000).toFixed(1)} ms` : `${x.toFixed(x < 10 ? 1 : 0)} µs`;
  if (unit === 's') return x < 0.0995 ? `${(x * 1000).toFixed(1)} ms` : `${x.toFixed(2)} s`;
  return `${x.toFixed(x < 10 ? 1 : 0)} ${unit}`;
}
