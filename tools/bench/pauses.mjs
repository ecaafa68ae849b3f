// @ts-check
// The longest pauses of the event loop (law 10) while varve writes, opens and compacts; on a log, cleans as well.
//   node tools/bench/pauses.mjs [--revisions 1000000] [--keys a tenth of them] [--engine level|log|file|memory]
//
// A worker thread pings this one every millisecond, and this one notes when it gets to answer: what the ping waits is
// what any other callback of this thread would have waited. On a busy machine most of that is this thread waiting for
// a processor; where Linux tells how long, `own` is the rest, and the one that counts. Of the ten longest of those `cpu`
// is the share in which this thread computed: the rest of it waited for the system, or for the collector's other threads.
// `stolen` is what a host took from this machine during all that, which no thread notices. Ends with 1 when one passes
// --most ms.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_KIND } from '@varve/backend/folder';
import { flagsOf, refuse } from '../run/flags.mjs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { key, makeValues, P } from './lib/gen.mjs';

if (isMainThread) await main();
else ping(workerData);

/** Milliseconds of the one clock that all threads share. */
function sharedNow() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** How long the main thread has computed, and waited for a processor, so far, in ms; 0 where the system does not tell. */
function scheduled() {
  try {
    const [ran, queued] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ');
    return { ran: Number(ran) / 1e6, queued: Number(queued) / 1e6 };
  } catch {
    return { ran: 0, queued: 0 };
  }
}

/** What the host of a virtual machine has taken so far, in ms, all processors together. */
function stolenMs() {
  try {
    return Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0) * 10;
  } catch {
    return 0;
  }
}

/** @typedef {[wall: number, own: number, ran: number]} Waited milliseconds of a ping, and of them its own, and computed */

/**
 * `cells`: the number of the last ping answered, and whether to end; `answered`: when that was.
 * @param {{ cells: Int32Array, answered: Float64Array }} shared
 */
function ping({ cells, answered }) {
  /** @type {Waited[]} */
  const waits = [];
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  port.once('message', () => {}); // keeps the port open
  for (let number = 1; Atomics.load(cells, 1) === 0; number++) {
    const before = scheduled();
    const began = sharedNow();
    port.postMessage(number, []);
    while (Atomics.load(cells, 0) !== number) Atomics.wait(cells, 0, number - 1, 1000);
    const wall = (answered[0] ?? 0) - began;
    const after = scheduled();
    waits.push([wall, Math.max(0, wall - (after.queued - before.queued)), after.ran - before.ran]);
    Atomics.wait(cells, 1, 0, 1);
  }
  port.postMessage(waits, []);
  port.close();
}

/**
 * Runs `work` and prints its longest pauses; returns the longest, in ms.
 * @param {string} name
 * @param {() => Promise<unknown>} work
 */
async function watched(name, work) {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const answered = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: { cells, answered } });
  /** @type {Promise<Waited[]>} */
  const waits = new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message) => {
      if (typeof message !== 'number') return resolve(message);
      answered[0] = sharedNow();
      Atomics.store(cells, 0, message);
      Atomics.notify(cells, 0);
    });
  });
  await new Promise((resolve) => worker.once('online', resolve));
  const stolen = stolenMs();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  Atomics.store(cells, 1, 1);
  Atomics.notify(cells, 1);
  const stolenMeanwhile = stolenMs() - stolen;
  const all = await waits;
  const wall = all.map(([ms]) => ms).toSorted((a, b) => a - b);
  const own = all.map(([, ms]) => ms).toSorted((a, b) => a - b);
  /** @type {(sorted: readonly number[], share: number) => number} */
  const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const longest = at(own, 1);
  const figures = [seconds, at(wall, 0.99), at(wall, 1), at(own, 0.99), at(own, 0.999), longest];
  const shown = figures.map((number) => number.toFixed(2).padStart(11)).join('');
  const share = `${Math.round(100 * computed(all))} %`;
  process.stdout.write(`${name.padEnd(12)}${shown}${share.padStart(8)}${stolenMeanwhile.toFixed(0).padStart(8)}\n`);
  return longest;
}

/**
 * Share of the ten longest own pauses in which the thread computed.
 * @param {readonly Waited[]} all
 */
function computed(all) {
  let own = 0;
  let ran = 0;
  for (const [, ownMs, ranMs] of all.toSorted((a, b) => b[1] - a[1]).slice(0, 10)) {
    own += ownMs;
    ran += ranMs;
  }
  return own === 0 ? 0 : Math.min(1, ran / own);
}

async function main() {
  const usage = `node tools/bench/pauses.mjs [--revisions 1000000] [--keys N] [--engine level|log|file|memory] [--most 50 ms]
  the longest pauses of the event loop; ends with 1 when one is longer than --most`;
  const { flags } = flagsOf(usage, {
    revisions: { type: 'string', default: '1000000' },
    keys: { type: 'string' },
    engine: { type: 'string', default: DEFAULT_KIND },
    most: { type: 'string', default: '50' },
  });
  if (!['level', 'log', 'file', 'memory'].includes(flags.engine)) refuse(usage, `There is no engine ${flags.engine}.`);
  const revisions = Number(flags.revisions);
  const keyN = Number(flags.keys ?? Math.ceil(revisions / 10));
  /** @type {{ peer: import('./lib/contract.d.mts').Peer }} */
  const { peer } = await import(`./peers/varve-${flags.engine}.mjs`);
  const folder = mkdtempSync(join(tmpdir(), 'varve-pauses-'));
  const values = makeValues(256);
  const keys = Array.from({ length: keyN }, (_, i) => key(P.hist, i));
  const at = (/** @type {readonly Buffer[]} */ list, /** @type {number} */ i) =>
    /** @type {Buffer} */ (list[i % list.length]);
  process.stdout.write(`${revisions} revisions of ${keyN} keys, ${peer.name}; ms\n`);
  const head = ['s', 'p99', 'longest', 'own p99', 'own p99.9', 'own longest'];
  const names = head.map((name) => name.padStart(11)).join('');
  process.stdout.write(`${''.padEnd(12)}${names}${'cpu'.padStart(8)}${'stolen'.padStart(8)}\n`);
  /** @type {number[]} */
  const longest = [];
  try {
    await watched('idle', () => sleep(1000));
    let store = await peer.open(folder, { durable: 'periodic' });
    longest.push(
      await watched('puts', async () => {
        for (let i = 0; i < revisions; i++) {
          const wait = store.put(at(keys, i), at(values, i));
          if (wait !== undefined) await wait;
        }
        await store.flush();
      }),
    );
    if (flags.engine !== 'memory') {
      await store.close();
      longest.push(
        await watched('open', async () => {
          store = await peer.open(folder, { durable: 'periodic' });
        }),
      );
    }
    longest.push(await watched('compaction', async () => store.compact?.(store.rev?.() ?? 0)));
    if (flags.engine === 'log') longest.push(await watched('cleaning', async () => store.defrag?.()));
    await store.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = Math.max(...longest) > Number(flags.most) ? 1 : 0;
}
