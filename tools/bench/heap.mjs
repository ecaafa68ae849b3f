// @ts-check
// Memory of a store after compaction beside that of a fresh one with the same live keys (the limit is 1.15).
//   node heap.mjs [--keys N] [--engine level|log|file|memory]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DEFAULT_KIND } from '@varve/backend/folder';
import { flagsOf, refuse } from '../run/flags.mjs';

const usage = `node tools/bench/heap.mjs [--keys 100000] [--engine level|log|file|memory]
  memory of a compacted store beside that of a fresh one; ends with 1 above 1.15 times as much`;
const LIMIT = 1.15;
const { flags } = flagsOf(usage, {
  keys: { type: 'string', default: '100000' },
  engine: { type: 'string', default: DEFAULT_KIND },
  history: { type: 'string' },
});
const keys = Number(flags.keys);
const key = (/** @type {number} */ i) => Buffer.from(`key/${String(i).padStart(28, '0')}`);
const value = Buffer.alloc(64, 'v');

/** @typedef {(key: Buffer) => unknown} Write a promise where it has to wait */
/** @typedef {(put: Write, more: { del: Write, compact: () => Promise<void> }) => Promise<void>} History */

/** What was done to the store, so that `keys` keys are live in the end. @type {Readonly<Record<string, History>>} */
const histories = {
  'put once': async (put) => {
    for (let i = 0; i < keys; i++) await put(key(i));
  },
  'put six times': async (put, { compact }) => {
    for (let n = 0; n < 6; n++) for (let i = 0; i < keys; i++) await put(key(i));
    await compact();
  },
  'nine of ten deleted': async (put, { compact, del }) => {
    for (let i = 0; i < 10 * keys; i++) await put(key(i));
    for (let i = 0; i < 10 * keys; i++) if (i % 10 !== 0) await del(key(i));
    await compact();
  },
};

if (flags.history === undefined) await main();
else await measure(histories[flags.history] ?? refuse(usage, `There is no history ${flags.history}.`));

async function main() {
  console.log(
    `${keys} live keys of 32 bytes on ${flags.engine}; heap and buffers after collection, above the empty process`,
  );
  let fresh = 0;
  for (const history of Object.keys(histories)) {
    const args = ['--keys', flags.keys, '--engine', flags.engine, '--history', history];
    const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] });
    const [bytes] = await once(child, 'message');
    fresh ||= bytes;
    const ratio = bytes / fresh;
    if (ratio > LIMIT) process.exitCode = 1;
    console.log(`${history.padEnd(22)} ${(bytes / 1e6).toFixed(1)} MB  ${ratio.toFixed(2)}x`);
  }
}

/** @param {History} history */
async function measure(history) {
  const { openBackend } = await import('@varve/backend');
  const { openWatchableStore } = await import('@varve/watch');
  const folder = mkdtempSync(join(tmpdir(), 'varve-heap-'));
  const before = used();
  const backend = await openBackend(await openEngine(folder));
  const store = await openWatchableStore(backend, { durability: 'interval', cacheBytes: 0 });
  const admitted = (/** @type {() => void} */ write) => (store.admitting ? write() : store.admit().then(write));
  await history((bytes) => admitted(() => void store.put(bytes, value)), {
    del: (bytes) => admitted(() => void store.deleteRange(bytes)),
    compact: async () => {
      await store.commit();
      await (await store.compact(store.rev())).finished();
    },
  });
  await store.commit();
  for (let i = 0; i < 10; i++) await turn();
  const after = used();
  await store.close();
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
  process.send?.(after - before);
  process.disconnect();
}

/**
 * @param {string} folder
 * @returns {Promise<import('@varve/backend').Engine>}
 */
async function openEngine(folder) {
  if (flags.engine === 'level') return (await import('@varve/backend/level')).levelEngine(join(folder, 'db'));
  if (flags.engine === 'log') return (await import('@varve/backend/log')).logEngine(join(folder, 'log'));
  if (flags.engine === 'file') return (await import('@varve/backend/file')).fileEngine(join(folder, 'db'));
  return (await import('@varve/backend/memory')).memoryEngine();
}

function used() {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
