// @ts-check
// varve beside its peers, on the same work. See README.md here for what is measured.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { flagsOf, refuse } from '../run/flags.mjs';
import { bars } from './lib/bars.mjs';
import { joined } from './lib/joined.mjs';
import { goBinary, measure } from './lib/run.mjs';
import { table } from './lib/table.mjs';

const usage = `node tools/bench/bin.mjs [--quick | --full] [--peers a,b] [--chains machine,load,history,durable,watch] [--rounds N] [--keys N]
    [--window SECONDS] [--limit SECONDS of a chain] [--extra FILE] [--markdown] [--out FILE.json] [--onto FILE.json]; --server: over the wire
  varve beside its peers, on the same work, as bars; the peers, and what each option means, stand in tools/bench/README.md`;

const { flags } = flagsOf(usage, {
  quick: { type: 'boolean' },
  full: { type: 'boolean' },
  server: { type: 'boolean' },
  peers: { type: 'string' },
  chains: { type: 'string', default: 'machine,load,history,durable,watch' },
  rounds: { type: 'string' },
  keys: { type: 'string' },
  window: { type: 'string' },
  limit: { type: 'string' },
  extra: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  out: { type: 'string' },
  onto: { type: 'string' },
});

const here = fileURLToPath(new URL('.', import.meta.url));
const log = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);
/** @type {<T>(quick: T, normal: T, full: T) => T} */
const pick = (quick, normal, full) => (flags.full ? full : flags.quick ? quick : normal);

if (flags.server) {
  const { besideEtcd } = await import('./lib/beside-etcd.mjs');
  await besideEtcd({
    engines: ['level', 'log'],
    rounds: Number(flags.rounds ?? 3),
    windowSeconds: Number(flags.window ?? 2),
    keys: Number(flags.keys ?? 20_000),
  });
  process.exit();
}

const n = Number(flags.keys ?? pick(20_000, 100_000, 1_000_000));
const options = {
  n,
  hk: Math.max(100, Math.round(n / 100)),
  hr: 100,
  win: Number(flags.window ?? pick(0.25, 0.5, 2)),
  wmax: pick(1000, 10_000, 10_000),
  cap: pick(6, 15, 60),
};
const rounds = Number(flags.rounds ?? pick(1, 3, 1));

installPeers();
const known = await knownPeers();
const wanted = flags.peers?.split(',');
const unknown = wanted?.find((name) => !known.some((peer) => peer.name === name));
if (unknown !== undefined)
  refuse(usage, `There is no peer ${unknown} here: ${known.map(({ name }) => name).join(', ')}.`);
const quickPeers = new Set(['varve', 'floor', 'classic-level', 'lmdb-mvcc', 'kine-sqlite']);
const same = new Set(known.map((peer) => peer.as));
const peers = known.filter((peer) =>
  wanted
    ? wanted.includes(peer.name) || peer.extra
    : peer.extra || (!same.has(peer.name) && (!flags.quick || quickPeers.has(peer.name))),
);
const anchor = peers.some((peer) => peer.name === 'etcd-mvcc') ? 'etcd-mvcc' : (peers[0]?.name ?? '');
const result = await measure({
  peers,
  chains: flags.chains.split(','),
  rounds,
  options,
  limitSeconds: Number(flags.limit ?? pick(60, 120, 600)),
  log,
});
const circumstances = {
  day: new Date().toISOString().slice(0, 10),
  node: process.version,
  cpu: os.cpus()[0]?.model ?? 'unknown',
  cores: os.cpus().length,
  load: os.loadavg()[0] ?? 0,
};
const shown = peers.map(({ name, kind }) => ({ name, kind }));
const measured = { circumstances, options, rounds, peers: shown, anchor, ...result };
const report = flags.onto === undefined ? measured : joined(JSON.parse(readFileSync(flags.onto, 'utf8')), measured);
process.stdout.write(`${flags.markdown ? table(report) : bars(report)}\n`);
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(report)}\n`);
process.exitCode = result.failures.length === 0 ? 0 : 1;

/** The peers that are not ours come on first use: a clone that never measures does not pay for them. */
function installPeers() {
  const folder = join(here, 'peers');
  if (
    existsSync(join(folder, 'node_modules')) ||
    (flags.peers?.split(',').every((name) => name.startsWith('varve') || name === 'floor') ?? false)
  )
    return;
  log('installing the peers (once) ...');
  const npm = ['install', '--no-package-lock', '--no-audit', '--no-fund', '--silent'];
  const { status } = spawnSync('npm', npm, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) log('some peers could not be installed; they are left out');
}

/** @returns {Promise<import('./lib/contract.d.mts').Listed[]>} */
async function knownPeers() {
  const files = readdirSync(join(here, 'peers'))
    .filter((name) => name.endsWith('.mjs'))
    .toSorted();
  /** @type {import('./lib/contract.d.mts').Listed[]} */
  const found = [];
  for (const file of [
    ...files.map((name) => join(here, 'peers', name)),
    ...(flags.extra ? [resolve(flags.extra)] : []),
  ]) {
    try {
      const { peer, default: other = peer } = await import(pathToFileURL(file).href);
      found.push({ ...other, file, extra: flags.extra !== undefined && file === resolve(flags.extra) });
    } catch (error) {
      log(
        `${file.slice(here.length)} left out: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`,
      );
    }
  }
  if (existsSync(goBinary)) {
    found.push({
      name: 'etcd-mvcc',
      go: 'mvcc',
      kind: "etcd's own engine (Go)",
      chains: ['load', 'history', 'durable', 'watch'],
    });
  }
  // Ours first, in the order people look for them, the floor last.
  const place = (/** @type {string} */ name) => (name === 'floor' ? 2 : name.startsWith('varve') ? 0 : 1);
  return found.toSorted((a, b) => place(a.name) - place(b.name) || a.name.length - b.name.length);
}
