// Memory of a store after compaction beside that of a fresh one with the same live keys (the limit is 1.15).
//   node heap.mjs [--keys N] [--engine level|file|memory]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const LIMIT = 1.15;
const { values: flags } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    engine: { type: 'string', default: 'level' },
    history: { type: 'string' },
  },
});
const keys = Number(flags.keys);
const key = (i) => Buffer.from(`key/${String(i).padStart(28, '0')}`);
const value = Buffer.alloc(64, 'v');

/** What was done to the store, so that `keys` keys are live in the end. */
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
else await measure(histories[flags.history]);

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

async function measure(history) {
  const { openBackend } = await import('@varve/backend');
  const { openWatchableStore } = await import('@varve/watch');
  const folder = mkdtempSync(join(tmpdir(), 'varve-heap-'));
  const before = used();
  const backend = await openBackend(await openEngine(folder));
  const store = await openWatchableStore(backend, { durability: 'interval', cacheBytes: 0 });
  const admitted = (write) => (store.admitting ? void write() : store.admit().then(write));
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
  process.send(after - before);
  process.disconnect();
}

async function openEngine(folder) {
  if (flags.engine === 'level') return (await import('@varve/backend/level')).levelEngine(join(folder, 'db'));
  if (flags.engine === 'file') return (await import('@varve/backend/file')).fileEngine(join(folder, 'db'));
  return (await import('@varve/backend/memory')).memoryEngine();
}

function used() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
