// @ts-check
// A report as Markdown, every peer a column.
import { cpuMetrics, titles } from './titles.mjs';
import { human, ratioOf, times, valueOf } from './ratios.mjs';

/** @typedef {import('./contract.d.mts').Report} Report */

/** @param {Report} report */
export function table(report) {
  const { samples, unit, peers, anchor, failures } = report;
  /** @type {(metrics: readonly (readonly [metric: string, title: string])[], format: (x: number, unit: string) => string) => string[]} */
  const rows = (metrics, format) =>
    metrics.map(([metric, title]) => {
      const cells = peers.map(({ name }) => {
        const x = valueOf(samples, metric, name);
        const ratio = name === anchor ? undefined : ratioOf(samples, metric, name, anchor);
        return x === undefined
          ? ''
          : format(x, unit[metric] ?? '') + (ratio === undefined ? '' : ` (${times(ratio)}×)`);
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
    ...circumstances(report),
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

/** Whether other work ran beside. @param {{ readonly load: number, readonly cores: number }} circumstances */
export function isBusy({ load, cores }) {
  return load > 2 * cores;
}

/** What is to be said of a run beside other work, if it was one. @param {{ readonly load: number, readonly cores: number }} circumstances */
export function caveat({ load, cores }) {
  return isBusy({ load, cores }) ? 'The machine was busy with other things: these are not the figures to go by.' : '';
}

/**
 * @param {Report} report
 * @param {string} [ratios] what is to be said of the ratios
 */
export function circumstances(
  { circumstances: { day, node, cpu, cores, load }, options, rounds, seconds, anchor },
  ratios,
) {
  const what = ratios ?? `with them the median ratio to ${anchor} within a round`;
  return [
    `${day}, Node ${node}, ${cpu} × ${cores}, load average ${load.toFixed(1)}. ${caveat({ load, cores })}`.trimEnd(),
    `${options.n.toLocaleString('en-US')} keys of 32 B, values of 256 B; history ${options.hk} keys × ${options.hr}; ` +
      `medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${what}. ${seconds.toFixed(0)} s in all.`,
  ];
}
