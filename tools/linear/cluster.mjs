// @ts-check
/**
 * Writers, readers, watchers and holders of leases on three etcds whose leader is killed again and again; then whether what they saw is linearizable.
 *
 *   node tools/linear/cluster.mjs --seconds 60 --kill-every 5
 */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@varve/etcd';
import { EtcdCluster } from '../conformance/lib/etcds.mjs';
import { flagsOf, wholeNumber } from '../run/flags.mjs';
import { check } from './lib/check.mjs';
import { follow, hold, read, write } from './lib/clients.mjs';

const usage = `node tools/linear/cluster.mjs [--seconds 60] [--kill-every 5]
  clients of all kinds on three etcds whose leader is killed, and whether what they saw is linearizable`;
const { seconds, every } = options();
const cluster = await EtcdCluster.start(3);
const stop = new AbortController();
/** @type {import('./lib/clients.mjs').Book} */
const book = { writes: [], reads: [], held: [], errors: new Map(), watchesEnded: 0, stop: stop.signal };
/** @type {import('@varve/etcd').Kv[]} */
const kvs = [];
let kills = 0;
let ok = false;
try {
  ok = await run();
} finally {
  await Promise.race([Promise.all(kvs.map((kv) => kv.close())), pause(5000)]);
  await cluster.end();
}
process.exit(ok ? 0 : 1);

async function run() {
  const main = await client();
  const first = (await main.status()).revision;
  const leased = ['lease-a', 'lease-b'];
  const watching = [];
  for (let i = 0; i < 3; i++) watching.push(follow(await client(), book, first + 1));
  const working = [];
  for (let i = 0; i < 4; i++) working.push(write(await client(), book, i));
  for (let i = 0; i < 3; i++) working.push(read(await client(), book, leased));
  for (const key of leased) working.push(hold(await client(), book, key));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await pause(Math.min(every * 1000, Math.max(0, end - performance.now())));
    if (performance.now() < end) await killLeader();
  }
  stop.abort();
  await Promise.all(working);
  // What was under way is done now, or never: members wait for their own proposals some seven seconds.
  await pause(10_000);
  const last = await main.put('k-end', 'end');
  book.writes.push({
    key: 'k-end',
    value: 'end',
    began: performance.now(),
    ended: performance.now(),
    revision: last.revision,
  });
  const events = await Promise.all(watching);
  const changes = (await main.changes({}, { since: first, until: last.revision }).toArray()).map(
    ({ revision, key, value }) => ({ revision, key, value }),
  );
  const watches = events.map((seen) => ({ prefix: 'k', from: first + 1, until: last.revision, events: seen }));
  const { problems, unknown, done, notDone } = check({ first, changes, watches, ...book });
  for (const problem of problems.slice(0, 20)) process.stdout.write(`${problem}\n`);
  const acknowledged = book.writes.filter(({ ended }) => ended !== undefined).length;
  const held = book.held.filter(({ from }) => from !== undefined);
  const codes = [...book.errors].map(([code, times]) => `${code} ${times}`).join(', ');
  process.stdout.write(`${seconds} s, ${kills} leaders killed\n`);
  process.stdout.write(
    `writes: ${acknowledged} acknowledged, ${unknown} unknown outcomes (${done} were done, ${notDone} were not)\n`,
  );
  process.stdout.write(
    `reads: ${book.reads.length}; leases held: ${held.length}, revoked: ${held.filter(({ gone }) => gone !== undefined).length}\n`,
  );
  process.stdout.write(
    `watches: ${watches.length} of ${events[0]?.length ?? 0} events each, ${book.watchesEnded} ended and went on\n`,
  );
  process.stdout.write(`other errors: ${codes === '' ? 'none' : codes}\n`);
  process.stdout.write(problems.length === 0 ? 'linearizable\n' : `${problems.length} problems\n`);
  return problems.length === 0;
}

async function client() {
  const kv = await connect(cluster.name, { timeoutMs: 30_000 });
  kvs.push(kv);
  return kv;
}

/** Kills the member that leads, and brings it back while the others have chosen another one. */
async function killLeader() {
  const statuses = await Promise.all(cluster.endpoints.map(statusOf));
  const member = statuses.findIndex((status) => status !== undefined && status.leader === status.member);
  if (member < 0) return;
  await cluster.kill(member);
  kills += 1;
  await pause(1500);
  cluster.start(member);
}

/** @param {string} endpoint @returns {Promise<{ member: string, leader: string } | undefined>} */
function statusOf(endpoint) {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const args = ['--endpoints', endpoint, '--command-timeout', '1s', 'endpoint', 'status', '-w', 'json'];
  return new Promise((resolve) => {
    execFile('etcdctl', args, { env }, (_, out) => {
      const [, member] = /"member_id":(\d+)/.exec(out) ?? [];
      const [, leader] = /"leader":(\d+)/.exec(out) ?? [];
      resolve(member === undefined || leader === undefined ? undefined : { member, leader });
    });
  });
}

function options() {
  const { flags } = flagsOf(usage, {
    seconds: { type: 'string', default: '60' },
    'kill-every': { type: 'string', default: '5' },
  });
  const seconds = wholeNumber(usage, 'seconds', flags.seconds, 1);
  return { seconds, every: wholeNumber(usage, 'kill-every', flags['kill-every'], 1) };
}
