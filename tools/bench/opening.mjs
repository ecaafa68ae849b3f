// @ts-check
// How long a store takes to open, from a saved index and by reading all records (W9), each in a process of its own.
//   node tools/bench/opening.mjs [--engine log|level] [--keys 1000000] [--rounds 3] [--folder KEPT]
//
// `wall` and `cpu` are of opening engine and store, in ms, all threads; `longest` is the longest that a 1 ms interval of the same thread was late, an upper
// bound of a pause where others use the machine as well; `heap` and `anonymous` are MB after a collection.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openBackend } from '@varve/backend';
import { levelEngine } from '@varve/backend/level';
import { logEngine } from '@varve/backend/log';
import { openWatchableStore } from '@varve/watch';
import { flagsOf, refuse } from '../run/flags.mjs';
import { key, makeValues, P } from './lib/gen.mjs';

const usage = `node tools/bench/opening.mjs [--engine log|level] [--keys N] [--rounds N] [--folder FOLDER that is kept]
  how long a store takes to open: from a saved index, and by reading all records`;
const { flags } = flagsOf(usage, {
  engine: { type: 'string', default: 'log' },
  keys: { type: 'string', default: '1000000' },
  rounds: { type: 'string', default: '3' },
  folder: { type: 'string' },
  part: { type: 'string' },
});
const engines = { log: logEngine, level: levelEngine };
const engine = engines[/** @type {'log' | 'level'} */ (flags.engine)];
if (engine === undefined) refuse(usage, `There is no engine ${flags.engine}.`);
const keyN = Number(flags.keys);

if (flags.part === undefined) main();
else if (flags.part === 'fill') await fill(String(flags.folder));
else await opened(String(flags.folder), flags.part === 'scan');

function main() {
  const root = flags.folder ?? mkdtempSync(join(tmpdir(), 'varve-opening-'));
  const folder = join(root, 'store');
  const part = (/** @type {string} */ name) => {
    const args = ['--engine', flags.engine, '--keys', flags.keys, '--folder', folder, '--part', name];
    const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) process.exit(status ?? 1);
    return stdout;
  };
  try {
    if (!existsSync(folder)) process.stdout.write(part('fill'));
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    const saved = statSync(join(folder, 'index.aside')).size;
    const mb = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    process.stdout.write(
      `${keyN} keys on ${flags.engine}: ${mb(files.reduce((a, b) => a + b))} MB, of these ${mb(saved)} the index\n`,
    );
    const names = ['wall', 'cpu', 'longest', 'heap MB', 'anonymous MB', 'records read'];
    process.stdout.write(`${''.padEnd(6)}${names.map((name) => name.padStart(14)).join('')}\n`);
    for (let round = 0; round < Number(flags.rounds); round++)
      for (const way of ['saved', 'scan']) process.stdout.write(`${way.padEnd(6)}${part(way)}`);
  } finally {
    if (flags.folder === undefined) rmSync(root, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function fill(folder) {
  const values = makeValues(256);
  const backend = await openBackend(await engine(folder));
  const store = await openWatchableStore(backend, { durability: 'interval', cacheBytes: 0 });
  for (let i = 0; i < keyN; i++) {
    if (!store.admitting) await store.admit();
    store.put(key(P.load, i), /** @type {Buffer} */ (values[i & 1023]));
  }
  await store.commit();
  const began = performance.now();
  const cpu = process.cpuUsage();
  await store.close();
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(
    `closing with all of it to save: ${(performance.now() - began).toFixed(0)} ms, cpu ${((user + system) / 1000).toFixed(0)} ms\n`,
  );
  await backend.close();
}

/** @param {string} folder @param {boolean} scans */
async function opened(folder, scans) {
  let longest = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - before - 1);
    before = now;
  }, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  longest = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const backend = await openBackend(await engine(folder));
  const store = await openWatchableStore(backend, { verify: scans, checkpointEvery: 0 });
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(timer);
  setFlagsFromString('--expose-gc');
  const collect = /** @type {() => void} */ (runInNewContext('gc'));
  collect();
  collect();
  const heap = process.memoryUsage().heapUsed / 1e6;
  const anonymous = Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0) / 1000;
  const figures = [wall, (user + system) / 1000, longest, heap, anonymous];
  process.stdout.write(
    `${figures.map((n) => n.toFixed(1).padStart(14)).join('')}${String(store.opened.records).padStart(14)}\n`,
  );
  await store.close();
  await backend.close();
}
