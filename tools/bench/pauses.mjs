// @ts-check
// The longest pauses of the event loop (law 10) while varve writes, opens and compacts; on a log, cleans as well.
//   node tools/bench/pauses.mjs [--revisions 1000000] [--keys a tenth of them] [--engine level|log|file|memory]
//
// A worker thread pings this one every millisecond, and this one notes when it gets to answer: what the ping waits is
// what any other callback of this thread would have waited. On a busy machine most of that is waiting for a processor:
// this thread's own; that of the threads that help it to collect, while it waits for them; and what the host of a virtual
// machine takes from it. Where Linux tells how long that was, `own` is the rest, and the one that counts; `> 5` and `> 10`
// say how many of those are longer than so many ms. Of the ten longest `cpu` is the share in which this thread computed:
// the rest of it waited for the system, or for helpers. `stolen` is what the host took from all processors meanwhile: it is
// told in steps of 10 ms, so beside much of that even `own` says little.
// Ends with 1 when one passes --most ms.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_KIND } from '@varve/backend/folder';
import { flagsOf, refuse } from '../run/flags.mjs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { key, makeValues, P } from './lib/gen.mjs';
import { Threads } from './lib/threads.mjs';

/** Numbers that are kept of a ping: ms until the answer, of them its own, and those in which the thread computed. */
const STRIDE = 3;

const ZERO = 48;

if (isMainThread) await main();
else ping(workerData);

/** Milliseconds of the one clock that all threads share. */
function sharedNow() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** What the host of a virtual machine has taken so far, in ms, all processors together. */
function stolenMs() {
  try {
    return Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0) * 10;
  } catch {
    return 0;
  }
}

/**
 * `cells`: the number of the last ping answered, and whether to end; `answered`: when that was.
 * @param {{ cells: Int32Array, answered: Float64Array }} shared
 */
function ping({ cells, answered }) {
  // What this thread leaves to a collector would take the processor from the thread that is watched.
  let waits = new Float64Array(STRIDE << 16);
  let at = 0;
  const threads = new Threads();
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  port.once('message', () => {}); // keeps the port open
  for (let number = 1; Atomics.load(cells, 1) === 0; number++) {
    threads.look();
    const began = sharedNow();
    port.postMessage(number, []);
    while (Atomics.load(cells, 0) !== number) Atomics.wait(cells, 0, number - 1, 1000);
    const wall = (answered[0] ?? 0) - began;
    threads.look();
    const present = Math.max(0, wall - threads.queuedMs - threads.stolenMs);
    const forHelpers = Math.min(threads.helpersQueuedMs, Math.max(0, present - threads.ranMs));
    if (at === waits.length) {
      const longer = new Float64Array(2 * at);
      longer.set(waits);
      waits = longer;
    }
    waits[at++] = wall;
    waits[at++] = present - forHelpers;
    waits[at++] = threads.ranMs;
    Atomics.wait(cells, 1, 0, 1);
  }
  port.postMessage(waits.subarray(0, at), []);
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
  /** @type {Promise<Float64Array>} */
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
  const wall = all.filter((_, at) => at % STRIDE === 0).toSorted();
  const own = all.filter((_, at) => at % STRIDE === 1).toSorted();
  /** @type {(sorted: Float64Array, share: number) => number} */
  const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const longest = at(own, 1);
  const figures = [seconds, at(wall, 0.99), at(wall, 1), at(own, 0.99), at(own, 0.999), longest];
  const counts = [5, 10].map((ms) => own.filter((of) => of > ms).length);
  const shown = [...figures.map((number) => number.toFixed(2).padStart(11)), ...counts.map((n) => `${n}`.padStart(6))];
  const share = `${Math.round(100 * computed(all))} %`;
  process.stdout.write(
    `${name.padEnd(12)}${shown.join('')}${share.padStart(8)}${stolenMeanwhile.toFixed(0).padStart(8)}\n`,
  );
  return longest;
}

/**
 * Share of the ten longest own pauses in which the thread computed.
 * @param {Float64Array} all
 */
function computed(all) {
  let own = 0;
  let ran = 0;
  const pings = Array.from({ length: all.length / STRIDE }, (_, number) => all.subarray(STRIDE * number));
  for (const [, ownMs = 0, ranMs = 0] of pings.toSorted((a, b) => (b[1] ?? 0) - (a[1] ?? 0)).slice(0, 10)) {
    own += ownMs;
    ran += ranMs;
  }
  return own === 0 ? 0 : Math.min(1, ran / own);
}

/**
 * Gives the same keys round and round, each in the memory of the one before: arrays of ours would be the collector's work, too.
 * @param {number} keyN
 */
function keysInOrder(keyN) {
  const bytes = key(P.hist, 0);
  let next = 0;
  return () => {
    let rest = next;
    next = (next + 1) % keyN;
    for (let at = bytes.length - 1; at >= P.hist.length; at--) {
      bytes[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return bytes;
  };
}

async function main() {
  const usage = `node tools/bench/pauses.mjs [--revisions 1000000] [--keys N] [--engine level|log|file|memory] [--most 10 ms]
  the longest pauses of the event loop; ends with 1 when one is longer than --most`;
  const { flags } = flagsOf(usage, {
    revisions: { type: 'string', default: '1000000' },
    keys: { type: 'string' },
    engine: { type: 'string', default: DEFAULT_KIND },
    most: { type: 'string', default: '10' },
  });
  if (!['level', 'log', 'file', 'memory'].includes(flags.engine)) refuse(usage, `There is no engine ${flags.engine}.`);
  const revisions = Number(flags.revisions);
  const keyN = Number(flags.keys ?? Math.ceil(revisions / 10));
  /** @type {{ peer: import('./lib/contract.d.mts').Peer }} */
  const { peer } = await import(`./peers/varve-${flags.engine}.mjs`);
  const folder = mkdtempSync(join(tmpdir(), 'varve-pauses-'));
  const values = makeValues(256);
  const nextKey = keysInOrder(keyN);
  process.stdout.write(`${revisions} revisions of ${keyN} keys, ${peer.name}; ms\n`);
  const head = ['s', 'p99', 'longest', 'own p99', 'own p99.9', 'own longest'];
  const names = head.map((name) => name.padStart(11)).join('');
  const counts = ['> 5', '> 10'].map((name) => name.padStart(6)).join('');
  process.stdout.write(`${''.padEnd(12)}${names}${counts}${'cpu'.padStart(8)}${'stolen'.padStart(8)}\n`);
  /** @type {number[]} */
  const longest = [];
  try {
    await watched('idle', () => sleep(1000));
    let store = await peer.open(folder, { durable: 'periodic' });
    longest.push(
      await watched('puts', async () => {
        for (let i = 0; i < revisions; i++) {
          const wait = store.put(nextKey(), /** @type {Buffer} */ (values[i % values.length]));
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
