// @ts-check
/**
 * `@varve/etcd` beside npm `etcd3` and the Go client of Debian's etcd: the same work on the same three real etcds, in turns.
 *
 *   node tools/bench/clients.mjs [--keys 5000] [--window 1.5] [--rounds 3] [--write]
 *
 * The members keep their files in memory where there is such a place, because clients are compared, not disks. Each client is a process of its
 * own with one connection, to the member that leads: which one is asked makes a difference to what a call costs, and who chooses it by chance
 * would measure that. Servers and clients share the machine, so of the clock only ratios say anything; the CPU that a client spends on a call is what
 * other programs disturb least.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@varve/etcd';
import { EtcdCluster } from '../conformance/lib/etcds.mjs';
import { hasProgram } from '../conformance/lib/grpc/etcd.mjs';
import { flagsOf, wholeNumber } from '../run/flags.mjs';
import { keyOf } from './lib/client-keys.mjs';
import { goBinary } from './lib/run.mjs';
import { median } from './lib/stats.mjs';

const usage = `node tools/bench/clients.mjs [--keys 5000] [--window 1.5] [--rounds 3] [--write]
  @varve/etcd beside npm etcd3 (of this workspace) and the Go client, on three etcds; --write puts the short table into packages/etcd/README.md
  Debian: etcd-server etcd-client; for the Go client golang-go golang-etcd-server-dev, without which it is left out`;
const names = ['varve', 'varve, any order', 'etcd3', 'Go'];
const worker = fileURLToPath(new URL('lib/client-work.mjs', import.meta.url));

const readme = fileURLToPath(new URL('../../packages/etcd/README.md', import.meta.url));
const { keys, seconds, rounds, write } = options();
if (!hasProgram('etcd') || !hasProgram('etcdctl')) throw new Error('apt-get install etcd-server etcd-client');
const clients = buildGo() ? names : names.filter((name) => name !== 'Go');
/** @type {Map<string, Map<string, number[]>>} by client, then by measure, a figure a round */
const found = new Map(clients.map((name) => [name, new Map()]));
for (let round = 0; round < rounds; round++) {
  for (const name of clients) {
    process.stderr.write(`round ${round + 1}: ${name} ...\n`);
    await measure(name);
  }
}
process.stdout.write(tables());
if (write) {
  const text = readFileSync(readme, 'utf8');
  const made = text.replace(
    /(<!-- clients -->\n)[^]*?(<!-- \/clients -->)/,
    (_, begin, end) => `${begin}\n${brief()}\n${end}`,
  );
  if (made === text) throw new Error('packages/etcd/README.md has no place for the table, or it is the same');
  writeFileSync(readme, made);
}

/** On a new cluster each: what one has written is no history of the next. @param {string} name */
async function measure(name) {
  const cluster = await EtcdCluster.start(3);
  try {
    const kv = await connect(cluster.name, { writeOrder: 'any', timeoutMs: 30_000 });
    const value = 'x'.repeat(256);
    for (let from = 0; from < keys; from += 100)
      await Promise.all(Array.from({ length: 100 }, (_, i) => kv.put(keyOf('k', from + i), value)));
    await kv.close();
    const member = leaderOf(cluster);
    const go = ['-mode', 'clients', '-endpoint', member, '-n', `${keys}`, '-win', `${seconds}`];
    const child =
      name === 'Go'
        ? spawn(goBinary, go, { stdio: ['ignore', 'pipe', 'inherit'] })
        : spawn(process.execPath, [worker, name, member, `${keys}`, `${seconds}`], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
    const ended = once(child, 'close');
    const measures = found.get(name) ?? new Map();
    for await (const line of createInterface(child.stdout)) {
      const { m, v } = JSON.parse(line);
      measures.set(m, [...(measures.get(m) ?? []), v]);
    }
    const [code] = await ended;
    if (code !== 0) throw new Error(`the client ${name} ended with ${code}`);
  } finally {
    await cluster.end();
  }
}

/** @param {EtcdCluster} cluster */
function leaderOf(cluster) {
  const args = ['--endpoints', cluster.endpoints.join(), 'endpoint', 'status', '-w', 'json'];
  const { stdout } = spawnSync('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' }, encoding: 'utf8' });
  // Ids are beyond what JSON.parse can tell apart.
  for (const part of stdout.split('"Endpoint":').slice(1)) {
    const [, endpoint] = /^"([^"]+)"/.exec(part) ?? [];
    const [, member] = /"member_id":(\d+)/.exec(part) ?? [];
    const [, leader] = /"leader":(\d+)/.exec(part) ?? [];
    if (endpoint !== undefined && member !== undefined && member === leader) return endpoint;
  }
  throw new Error('the cluster has no leader');
}

function buildGo() {
  const { status, stderr } = spawnSync('sh', ['build.sh'], { cwd: fileURLToPath(new URL('go', import.meta.url)) });
  if (status !== 0) process.stderr.write(`without the Go client: ${String(stderr)}`);
  return status === 0;
}

function tables() {
  const measures = [...(found.get('varve')?.keys() ?? [])].filter((name) => !/\.(?:p99|cpu)$/.test(name));
  /** @param {string} client @param {string} measure */
  const of = (client, measure) => median(found.get(client)?.get(measure) ?? []);
  /** @param {string} measure @param {string} client @param {string} kind */
  const cell = (measure, client, kind) => {
    const [figure, ours] = [of(client, measure + kind), of('varve', measure + kind)];
    if (!Number.isFinite(figure)) return '';
    return client === 'varve' ? shown(figure) : `${shown(figure)} (${(figure / ours).toFixed(2)})`;
  };
  /** @param {string} title @param {string} kind */
  const table = (title, kind) => [
    `| ${title} | ${clients.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(clients.length)}`,
    ...measures
      .filter((measure) => of('varve', measure + kind) > 0)
      .map((measure) => `| ${measure} | ${clients.map((client) => cell(measure, client, kind)).join(' | ')} |`),
    '',
  ];
  return [
    ...table('calls or events a second; `put to event` in microseconds, median', ''),
    ...table('99th percentile, microseconds', '.p99'),
    ...table('CPU of the client for a call or an event, microseconds', '.cpu'),
  ].join('\n');
}

/** What a user wants to know: ratios, of which those above 1 are in favour of this client. */
function brief() {
  /** @param {string} client @param {string} measure */
  const of = (client, measure) => median(found.get(client)?.get(measure) ?? []);
  const measures = [...(found.get('varve')?.keys() ?? [])].filter((name) => !/\.(?:p99|cpu)$/.test(name));
  const rows = measures.flatMap((measure) => {
    const inAnyOrder = /^(?:put|txn), 64/.test(measure) ? [['varve, any order', `${measure}, in any order`]] : [];
    return [['varve', measure], ...inAnyOrder].map(([ours = '', title]) => {
      /** @param {string} other @param {string} kind */
      const times = (other, kind) => {
        const ratio = of(ours, measure + kind) / of(other, measure + kind);
        const isLess = kind === '.cpu' || measure === 'put to event';
        return Number.isFinite(ratio) ? (isLess ? 1 / ratio : ratio).toFixed(2) : '';
      };
      const cells = [times('etcd3', ''), times('Go', ''), times('etcd3', '.cpu'), times('Go', '.cpu')];
      return `| ${title} | ${cells.join(' | ')} |`;
    });
  });
  const load = loadavg()[0] ?? 0;
  const busy =
    load > 2 * cpus().length ? ' The machine was busy with other things: these are not the figures to go by.' : '';
  return [
    `| this client, above 1 is in its favour | rate beside etcd3 | beside Go | CPU of a call beside etcd3 | beside Go |`,
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    `Medians of ${rounds} rounds, Node ${process.versions.node}, ${cpus().length} processors for three etcds and the client.${busy}`,
    '',
  ].join('\n');
}

/** @param {number} figure */
function shown(figure) {
  return figure >= 100 ? Math.round(figure).toLocaleString('en-US') : figure.toFixed(1);
}

function options() {
  const { flags } = flagsOf(usage, {
    keys: { type: 'string', default: '5000' },
    window: { type: 'string', default: '1.5' },
    rounds: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
  });
  const keys = Math.ceil(wholeNumber(usage, 'keys', flags.keys, 1000) / 100) * 100;
  return {
    keys,
    seconds: Number(flags.window),
    rounds: wholeNumber(usage, 'rounds', flags.rounds, 1),
    write: flags.write,
  };
}
