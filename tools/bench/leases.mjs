// @ts-check
// Leases by the million: granted, renewed, given a key each, and all due at once; then what they take in memory.
// `longest` is the longest time in which the event loop did nothing else (law 10), and on a busy machine what this process waited for a
// processor besides. Bytes are of the lessor's own structures, apart from the store, which has every key too. With --go the same in
// etcd's lessor, where `go/build.sh` was run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openBackend } from '@varve/backend';
import { openStore } from '@varve/mvcc';
// Of the packages as they are built: the world and the structures are no part of their interfaces.
import { nodeWorld } from '../../packages/base/dist/node/world.js';
import { LeaseState } from '../../packages/lease/dist/lease-state.js';
import { prepareLessor } from '../../packages/lease/dist/prepare-lessor.js';
import { flagsOf, refuse } from '../run/flags.mjs';

const usage = `node --expose-gc tools/bench/leases.mjs [--leases 1000000] [--engine memory|level|file] [--go]
  time of granting, renewing, keys and expiry, and bytes a lease; --go: the same in etcd's lessor, where go/build.sh was run`;
const { flags } = flagsOf(usage, {
  leases: { type: 'string', default: '1000000' },
  engine: { type: 'string', default: 'memory' },
  go: { type: 'boolean', default: false },
});
const count = Number(flags.leases);
const ttl = 1800;
const collect = globalThis.gc ?? refuse(usage, 'Run it with node --expose-gc.');
const folder = mkdtempSync(join(tmpdir(), 'varve-leases-'));
try {
  console.log(`${count} leases, a key of 32 bytes each, on ${flags.engine}`);
  await memory();
  await times();
  if (flags.go) etcd();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {number} i */
function key(i) {
  return Buffer.from(`/bench/k/${String(i).padStart(23, '0')}`);
}

/**
 * @param {string} name
 * @param {string} value
 */
function row(name, value, rest = '') {
  console.log(`${name.padEnd(26)}${value}${rest === '' ? '' : `   ${rest}`}`);
}

function used() {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function memory() {
  const before = used();
  const state = new LeaseState();
  for (let i = 1; i <= count; i++) {
    const lease = state.leases.add(BigInt(i), ttl, 0);
    state.due.set(lease, i);
    state.checkpoints.append(lease, i);
  }
  const leases = used();
  row('bytes a lease', ((leases - before) / count).toFixed(1));
  for (let i = 1; i <= count; i++) state.attach(key(i), BigInt(i));
  const keys = used();
  row('bytes a key, one a lease', ((keys - leases) / count).toFixed(1));
  const other = new LeaseState();
  other.leases.add(1n, ttl, 0);
  for (let i = 1; i <= count; i++) other.attach(key(i), 1n);
  row('bytes a key, all of one', ((used() - keys) / count).toFixed(1));
  if (state.attachments.size !== other.attachments.size) throw new Error('keys are missing');
}

/** How long this thread has waited for a processor so far; 0 where the system does not tell. */
function queuedMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/**
 * Runs `work`, and tells how long it and the longest turn of the event loop took.
 * @param {string} name
 * @param {() => Promise<void>} work
 */
async function timed(name, work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await turn();
  delay.enable();
  const queued = queuedMs();
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  await sleep(2);
  delay.disable();
  const waited = queuedMs() - queued;
  const [p99, longest] = [delay.percentile(99), delay.max].map((ns) => `${(ns / 1e6).toFixed(1)} ms`);
  row(
    name,
    `${((1000 * ms) / count).toFixed(2)} us each, ${(ms / 1000).toFixed(1)} s in all`,
    `longest ${longest}, p99 ${p99}; ${(waited / 1000).toFixed(1)} s waited for a processor`,
  );
}

async function times() {
  let aheadMs = 0;
  const now = () => performance.now() + aheadMs;
  // The timer is asked to look soon: the clock is about to jump.
  const after = (/** @type {number} */ ms, /** @type {() => void} */ work) =>
    nodeWorld.clock.after(Math.min(ms, 50), work);
  const world = { ...nodeWorld, clock: { ...nodeWorld.clock, now, after } };
  const backend = await openBackend(await engine());
  const prepared = prepareLessor({ downtime: 'counts', world });
  const store = await openStore(backend, { observers: [prepared.observe] });
  const lessor = await prepared.open();
  /** In slices, as fast as commits follow. @param {(i: number) => void} work */
  const each = async (work) => {
    let end = performance.now() + 2;
    for (let i = 1; i <= count; i++) {
      if (!store.admitting) await store.admit();
      work(i);
      if (performance.now() <= end) continue;
      await turn();
      end = performance.now() + 2;
    }
    await store.settled();
  };
  await timed('grant', () => each((i) => void lessor.grant(ttl, BigInt(i))));
  const value = Buffer.from('v');
  await timed('put with a lease', () => each((i) => void store.put(key(i), value, BigInt(i))));
  await timed('renew', async () => {
    let renewals = [];
    for (let i = 1; i <= count; i++) {
      renewals.push(lessor.renew(BigInt(i)));
      if (renewals.length < 1000) continue;
      await Promise.all(renewals);
      renewals = [];
      await turn();
    }
  });
  await timed('close, times noted', () => lessor.close());
  const revision = store.rev();
  await store.close();
  const again = prepareLessor({ world });
  const second = await openStore(backend, { observers: [again.observe] });
  await timed('open the lessor', async () => void (await again.open()));
  const reopened = await again.open();
  if (reopened.size !== count) throw new Error(`${reopened.size} leases came back`);
  await timed('all due at once', async () => {
    aheadMs += 1000 * ttl;
    while (reopened.size > 0) await sleep(20);
    await second.settled();
  });
  const { count: left } = await second.range(new Uint8Array(0), new Uint8Array(0), { countOnly: true });
  if (left !== 0 || second.rev() !== revision + count)
    throw new Error(`${left} keys are left at revision ${second.rev()}`);
  await reopened.close();
  await second.close();
  await backend.close();
}

async function engine() {
  if (flags.engine === 'level') return (await import('@varve/backend/level')).levelEngine(join(folder, 'level'));
  if (flags.engine === 'file') return (await import('@varve/backend/file')).fileEngine(join(folder, 'db'));
  return (await import('@varve/backend/memory')).memoryEngine();
}

function etcd() {
  const program = fileURLToPath(new URL('go/bin/varvebench', import.meta.url));
  if (!existsSync(program)) {
    console.log('etcd: not built, run tools/bench/go/build.sh');
    return;
  }
  const { stdout, status } = spawnSync(program, ['-mode', 'lease', '-n', String(count), '-dir', join(folder, 'etcd')], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(`varvebench ended with ${status}`);
  for (const line of stdout.trim().split('\n')) {
    const { m, v, u } = JSON.parse(line);
    row(`etcd ${m}`, `${v.toFixed(2)} ${u}`);
  }
}
