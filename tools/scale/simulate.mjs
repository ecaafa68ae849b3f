// @ts-check
/**
 * What one cluster bears, and several, as a table: simulated, with the processor times of measured.json and what is said of disk and network.
 *
 * SSM1  Nothing is measured here, and nothing depends on the machine: the same command prints the same table.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flagsOf } from '../run/flags.mjs';
import { mostWrites } from './lib/cluster.mjs';
import { crossing, popularity, shares } from './lib/split.mjs';

const usage = `node tools/scale/simulate.mjs [--seed 1] [--cores 4] [--round-ms 2] [--within-ms 100] [--prefixes 64]
  writes a second that 1 to 8 clusters of three members bear, with service times of tools/scale/measured.json`;
const { flags } = flagsOf(usage, {
  seed: { type: 'string', default: '1' },
  cores: { type: 'string', default: '4' },
  'round-ms': { type: 'string', default: '2' },
  'within-ms': { type: 'string', default: '100' },
  prefixes: { type: 'string', default: '64' },
});
const measured = JSON.parse(readFileSync(fileURLToPath(new URL('measured.json', import.meta.url)), 'utf8'));
const { putUs, getUs, eventUs, keyBytes } = measured;
const costs = { putUs, getUs, eventUs, roundUs: Number(flags['round-ms']) * 1000, cores: Number(flags.cores) };
const run = { seed: Number(flags.seed), seconds: 3, withinMs: Number(flags['within-ms']) };
const members = 3;

/** Reads for each write, and watchers that see a write, of the whole cluster. */
const loads = [
  { name: 'writes alone', reads: 0, watchers: 0 },
  { name: '10 reads a write', reads: 10, watchers: 0 },
  { name: '10 watchers see a write', reads: 0, watchers: 10 },
  { name: '100 watchers see a write', reads: 0, watchers: 100 },
  { name: '1,000 watchers see a write', reads: 0, watchers: 1000 },
];

print(
  `Processor times of etcd on ${measured.cpu} (${measured.day}): put ${putUs} µs, get ${getUs} µs, event ${eventUs} µs.`,
);
print(
  `Assumed: ${members} members of ${costs.cores} cores, ${flags['round-ms']} ms for a sync and a trip to a majority; 99 of 100 within ${run.withinMs} ms; seed ${run.seed}.`,
);
print('');
print('| one cluster | writes a second |');
print('| --- | ---: |');
const alone = loads.map(({ name, reads, watchers }) => {
  const most = mostWrites(costs, (writes) => loadOf(writes, reads, watchers), run);
  print(`| ${name} | ${show(most)} |`);
  return most;
});
print('');
print(
  '| clusters | writes a second, all prefixes alike | Zipf 1 | … the hottest cluster has | two-key transactions that cross |',
);
print('| ---: | ---: | ---: | ---: | ---: |');
const base = alone[2] ?? 0;
for (const clusters of [1, 2, 4, 8]) {
  const even = shares(popularity(Number(flags.prefixes), 0), clusters);
  const skewed = shares(popularity(Number(flags.prefixes), 1), clusters);
  const hottest = Math.max(...skewed);
  print(
    `| ${clusters} | ${show(base / Math.max(...even))} | ${show(base / hottest)} | ${percent(hottest)} | ${percent(crossing(even))} |`,
  );
}
print('');
print(
  `Memory of etcd for a key of 32 bytes with a value of 256, one version each: ${keyBytes} bytes, so ${gib(keyBytes * 1e6)} GiB for a million.`,
);

/** What one member has of it: all writes, and its part of reads and watchers. @param {number} writes @param {number} reads @param {number} watchers */
function loadOf(writes, reads, watchers) {
  return { writes, reads: (writes * reads) / members, watchers: watchers / members };
}

/** Two digits: there are no more in it. @param {number} number */
function show(number) {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(number, 1))) - 1);
  return (Math.round(number / step) * step).toLocaleString('en');
}

/** @param {number} part */
function percent(part) {
  return `${Math.round(part * 100)} %`;
}

/** @param {number} bytes */
function gib(bytes) {
  return (bytes / 2 ** 30).toFixed(1);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
