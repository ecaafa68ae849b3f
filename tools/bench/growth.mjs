// @ts-check
// How cost grows: with watchers (1 to 100,000), keys (10,000 to 10,000,000) and history of a key (1 to 100,000 revisions). Each point is
// measured in a process of its own, on the default engine, and each plot becomes an SVG.
//
//   node tools/bench/growth.mjs [--only watchers,keys,history] [--most 100000] [--window 1] [--write]
//
// --most bounds what the sizes go up to, so that a small run ends soon; the whole run takes some ten minutes and, for ten million keys,
// about 6 GB of disk and 3 GB of memory. --write puts plots and numbers into docs/performance; a test holds that they belong together.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flagsOf, refuse } from '../run/flags.mjs';
import { root } from '../run/root.mjs';
import { growthPlots } from './lib/growth-report.mjs';

const usage = `node tools/bench/growth.mjs [--only watchers,keys,history] [--most N] [--window SECONDS] [--write]
  how cost grows with watchers, keys and history; --most N: up to that size; --write: numbers and plots into docs/performance`;
const { flags } = flagsOf(usage, {
  only: { type: 'string', default: 'watchers,keys,history' },
  most: { type: 'string', default: '10000000' },
  window: { type: 'string', default: '1' },
  write: { type: 'boolean', default: false },
  point: { type: 'string' },
});
/** @type {Readonly<Record<string, readonly number[]>>} */
const sizes = {
  watchers: [1, 10, 100, 1000, 10_000, 100_000],
  keys: [10_000, 100_000, 1_000_000, 10_000_000],
  history: [1, 10, 100, 1000, 10_000, 100_000],
};
const [most, windowMs] = [Number(flags.most), Number(flags.window) * 1000];
if (!(most >= 1)) refuse(usage, `--most is a number of at least 1, not ${flags.most}.`);
if (!(windowMs > 0)) refuse(usage, `--window is a number above 0, not ${flags.window}.`);
const names = flags.only.split(',');
const unknown = names.find((name) => !Object.hasOwn(sizes, name));
if (unknown !== undefined) refuse(usage, `There is no plot ${unknown}: ${Object.keys(sizes).join(', ')}.`);

if (flags.write && names.length !== Object.keys(sizes).length)
  refuse(usage, '--write is for all plots: without --only.');

if (flags.point !== undefined) await measurePoint(flags.point);
else main();

/** @param {string} point as `keys:1000` */
async function measurePoint(point) {
  const { plots } = await import('./lib/growth-points.mjs');
  const [name = '', size] = point.split(':');
  if (!Object.hasOwn(plots, name)) refuse(usage, `There is no plot ${name}.`);
  const folder = mkdtempSync(join(tmpdir(), 'varve-growth-'));
  try {
    const found = await plots[/** @type {keyof typeof plots} */ (name)](join(folder, 'store'), Number(size), windowMs);
    process.stdout.write(`${JSON.stringify(found)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main() {
  /** @type {import('./lib/growth-report.mjs').GrowthReport} */
  const report = {
    circumstances: {
      day: new Date().toISOString().slice(0, 10),
      node: process.version,
      cores: os.cpus().length,
      load: 0,
    },
    plots: {},
  };
  for (const name of names) {
    const wanted = (sizes[name] ?? []).filter((size) => size <= most);
    /** @type {{ size: number, values: Record<string, number> }[]} */
    const points = [];
    for (const size of wanted) {
      const args = ['--expose-gc', '--max-old-space-size=12288', fileURLToPath(import.meta.url)];
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...args, '--point', `${name}:${size}`, '--window', flags.window],
        {
          encoding: 'utf8',
        },
      );
      if (status !== 0) {
        process.stdout.write(`${name} ${size}: failed\n${stderr}\n`);
        process.exitCode = 1;
        break;
      }
      const values = JSON.parse(stdout);
      points.push({ size, values });
      const shown = Object.entries(values).map(([series, value]) => `${series} ${Number(value).toPrecision(3)}`);
      process.stdout.write(`${name.padEnd(9)}${String(size).padStart(9)}  ${shown.join(', ')}\n`);
    }
    report.plots[name] = points;
  }
  report.circumstances.load = Number((os.loadavg()[0] ?? 0).toFixed(1));
  if (!flags.write || process.exitCode === 1) return;
  const folder = join(root, 'docs', 'performance');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'growth.json'), `${JSON.stringify(report)}\n`);
  for (const [name, svg] of growthPlots(report)) writeFileSync(join(folder, `${name}.svg`), svg);
  process.stdout.write(`written to docs/performance\n`);
}
