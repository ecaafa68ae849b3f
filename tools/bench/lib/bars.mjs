// @ts-check
/**
 * A report as bars, for who reads it in a terminal: one block a workload, one bar a peer.
 *
 * BRS1  Bars begin at nothing and are in proportion within a workload; where the longest is more than 40 times the anchor's, they go by
 *     the logarithm, and the line says so. The anchor's place is marked on each.
 * BRS2  Where less is better the title says that, so that nobody takes a long bar for a good one.
 */
import { circumstances } from './table.mjs';
import { human, ratioOf, times, valueOf } from './ratios.mjs';
import { lessIsBetter, titles } from './titles.mjs';

/** @typedef {import('./contract.d.mts').Report} Report */

const WIDTH = 40;
const STEEP = 40;
const parts = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** @param {Report} report */
export function bars(report) {
  const { samples, unit, peers, anchor, failures } = report;
  const widest = Math.max(...peers.map(({ name }) => name.length));
  /** @type {string[]} */
  const lines = [...circumstances(report), ''];
  for (const [metric, title] of titles) {
    const found = peers.flatMap(({ name }) => {
      const value = valueOf(samples, metric, name);
      return value === undefined ? [] : [{ name, value, ratio: ratioOf(samples, metric, name, anchor) }];
    });
    if (found.length === 0) continue;
    const most = Math.max(...found.map(({ value }) => value));
    const least = Math.min(...found.map(({ value }) => value).filter((value) => value > 0));
    const isSteep = found.some(({ ratio }) => ratio !== undefined && ratio > STEEP);
    const share = (/** @type {number} */ value) =>
      isSteep ? Math.log10((10 * value) / least) / Math.log10((10 * most) / least) : value / most;
    const notes = [
      ...(lessIsBetter.has(unit[metric] ?? '') ? ['less is better'] : []),
      ...(isSteep ? ['bars by logarithm'] : []),
    ];
    lines.push(`${title}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`);
    const base = found.find(({ name }) => name === anchor);
    const mark = base === undefined ? undefined : Math.round(share(base.value) * WIDTH);
    for (const { name, value, ratio } of found) {
      const figure = human(value, unit[metric] ?? '').padStart(9);
      const factor = ratio === undefined || ratio <= 0 ? '' : `${times(ratio)}×`.padStart(7);
      lines.push(`  ${name.padEnd(widest)} ${bar(share(value), mark)} ${figure}${factor}`.trimEnd());
    }
    lines.push('');
  }
  if (failures.length > 0) lines.push('Failed:', ...failures.map((failure) => `- ${failure}`));
  return lines.join('\n').trimEnd();
}

/**
 * @param {number} share of the width
 * @param {number | undefined} mark column of the anchor's end
 */
export function bar(share, mark) {
  const eighths = Math.max(value(share) > 0 ? 1 : 0, Math.round(value(share) * WIDTH * 8));
  const drawn = '█'.repeat(eighths >> 3) + (parts[eighths & 7] ?? '');
  const padded = drawn.padEnd(WIDTH);
  if (mark === undefined || padded.charAt(mark) !== ' ') return padded;
  return `${padded.slice(0, mark)}┊${padded.slice(mark + 1)}`;
}

/** @param {number} share */
function value(share) {
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
}
