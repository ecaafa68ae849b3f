// @ts-check
// Samples to Markdown. A sample is samples[metric][peer][round]; null where a round gave none.
import os from 'node:os';
import { median } from './stats.mjs';
import { cpuMetrics, titles } from './titles.mjs';

/** @typedef {import('./contract.d.mts').Listed} Listed */

/**
 * @param {import('./contract.d.mts').Measured & { peers: readonly Listed[], anchor: string, rounds: number,
 *   options: import('./contract.d.mts').Options }} measured
 */
export function table({ samples, unit, peers, anchor, rounds, options, seconds, failures }) {
  /** @type {(metric: string, peer: Listed) => number | undefined} */
  const value = (metric, peer) => {
    const given = (samples[metric]?.[peer.name] ?? []).filter((x) => x !== null);
    return given.length === 0 ? undefined : median(given);
  };
  // Ratios are taken inside a round, between neighbours in time.
  /** @type {(metric: string, peer: Listed) => string} */
  const ratio = (metric, peer) => {
    const mine = samples[metric]?.[peer.name];
    const base = samples[metric]?.[anchor];
    if (mine === undefined || base === undefined || peer.name === anchor) return '';
    const ratios = mine
      .map((x, round) => {
        const other = base[round] ?? 0;
        return x !== null && other > 0 ? x / other : null;
      })
      .filter((x) => x !== null);
    return ratios.length === 0 ? '' : ` (${times(median(ratios))}×)`;
  };
  /** @type {(metrics: readonly (readonly [metric: string, title: string])[], format: (x: number, unit: string) => string) => string[]} */
  const rows = (metrics, format) =>
    metrics.map(([metric, title]) => {
      const cells = peers.map((peer) => {
        const x = value(metric, peer);
        return x === undefined ? '' : format(x, unit[metric] ?? '') + ratio(metric, peer);
      });
      return `| ${title} | ${cells.join(' | ')} |`;
    });
  const head = [
    `| workload | ${peers.map((peer) => peer.name).join(' | ')} |`,
    `|---|${peers.map(() => '---:|').join('')}`,
  ];
  const cpu = cpuMetrics
    .filter((metric) => samples[`${metric}.cpu`])
    .map((metric) => /** @type {const} */ ([`${metric}.cpu`, metric]));
  return [
    `Node ${process.version}, ${os.cpus()[0]?.model ?? 'unknown'} × ${os.cpus().length}, load average ${(os.loadavg()[0] ?? 0).toFixed(1)}.`,
    `${options.n.toLocaleString('en-US')} keys of 32 B, values of 256 B; history ${options.hk} keys × ${options.hr}; ` +
      `${rounds} round(s), medians; in brackets the median ratio to ${anchor} within a round. ${seconds.toFixed(0)} s in all.`,
    '',
    ...head,
    ...rows(
      titles.filter(([metric]) => samples[metric]),
      human,
    ),
    ...(cpu.length === 0
      ? []
      : ['', 'CPU of the whole process, µs an operation (steadier than the clock):', '', ...head]),
    ...rows(cpu, (x) => x.toFixed(2)),
    ...(failures.length === 0 ? [] : ['', 'Failed:', ...failures.map((failure) => `- ${failure}`)]),
  ].join('\n');
}

/** @param {number} x */
function times(x) {
  if (x >= 10) return x.toFixed(0);
  return x >= 0.095 ? x.toFixed(2) : x.toPrecision(1);
}

/**
 * @param {number} x
 * @param {string} unit
 */
function human(x, unit) {
  if (unit === 'op/s' || unit === 'ev/s')
    return x >= 9950 ? `${(x / 1000).toFixed(x >= 99_500 ? 0 : 1)}k/s` : `${x.toFixed(0)}/s`;
  if (unit === 'us') return x >= 9950 ? `${(x / 1000).toFixed(1)} ms` : `${x.toFixed(x < 10 ? 1 : 0)} µs`;
  if (unit === 's') return x < 0.0995 ? `${(x * 1000).toFixed(1)} ms` : `${x.toFixed(2)} s`;
  return `${x.toFixed(x < 10 ? 1 : 0)} ${unit}`;
}
