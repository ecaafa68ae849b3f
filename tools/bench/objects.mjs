// @ts-check
// Objects and bytes that a put and a get allocate, on each engine: `node tools/bench/objects.mjs [--engines memory,level,file]`.
//
// How it counts: V8's sampling heap profiler with an interval of one byte, so that every allocation is a sample, also of what the
// collector has taken since. TurboFan's folding of neighbouring allocations into one is switched off, or two objects would
// count as one. What escape analysis leaves out is not there, and is not counted. Each case runs 30,000 times first, then 2,000
// times under the profiler; what grows now and then (arrays, tables) is spread over those.
//
//   in the call    from the call to its return: for `kv.put` that is the section, the promise is still open
//   in all         until it is settled, the work of the commit and of the engine on the main thread included
//
// Memory outside of V8's heap (blocks of bytes, LevelDB) is not counted; the object that stands for it is.
import { Session } from 'node:inspector';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { flagsOf, refuse } from '../run/flags.mjs';

setFlagsFromString('--no-turbo-allocation-folding');

const usage = `node tools/bench/objects.mjs [--engines memory,level,file,log] [--only kv.put] [--where call|all]
  objects and bytes that a put and a get allocate; --where: the functions that allocate most, in the call or in all`;
const { flags } = flagsOf(usage, {
  engines: { type: 'string', default: 'memory,level,file' },
  only: { type: 'string' },
  where: { type: 'string' },
});

const warmUps = 30_000;
const measured = 2000;
const batch = 500;

const { openBackend } = await import('../../packages/backend/dist/index.js');
const { memoryEngine } = await import('../../packages/backend/dist/engines/memory.js');
const { levelEngine } = await import('../../packages/backend/dist/engines/level/index.js');
const { fileEngine } = await import('../../packages/backend/dist/engines/file/index.js');
const { logEngine } = await import('../../packages/backend/dist/engines/log/index.js');
const { openWatchableStore } = await import('../../packages/watch/dist/index.js');
const { open } = await import('../../packages/kv/dist/index.js');

const folder = mkdtempSync(join(tmpdir(), 'varve-objects-'));
let storeN = 0;
/** @type {Readonly<Record<string, () => import('@varve/backend').Engine | Promise<import('@varve/backend').Engine>>>} */
const engines = {
  memory: () => memoryEngine(),
  level: () => levelEngine(join(folder, `level-${storeN++}`)),
  file: () => fileEngine(join(folder, `file-${storeN++}.db`)),
  log: () => logEngine(join(folder, `log-${storeN++}`)),
};

const session = new Session();
session.connect();
/**
 * What V8 tells, which Node's types know in part only.
 * @typedef {{ id: number, callFrame: { functionName: string, url: string, lineNumber: number }, children: Node[] }} Node
 * @typedef {{ head: Node, samples: { size: number, nodeId: number }[] }} Profile
 */
/** @typedef {{ run: () => unknown, settled: () => Promise<unknown>, close: () => Promise<void> }} Case */
const begin = () =>
  session.post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });

/** Objects and bytes since `begin`, and where. */
function end() {
  /** @type {Profile | undefined} */
  let profile;
  session.post('HeapProfiler.stopSampling', (error, answer) => {
    if (error !== null) throw error;
    profile = /** @type {Profile} */ (/** @type {unknown} */ (answer.profile));
  });
  if (profile === undefined) throw new Error('the profiler has not answered');
  const { head, samples } = profile;
  /** @type {Map<number, string[]>} */
  const names = new Map();
  const walk = (/** @type {Node} */ node, /** @type {string[]} */ path) => {
    const { functionName, url, lineNumber } = node.callFrame;
    const name = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
    const here = [...path, name];
    names.set(node.id, here);
    for (const child of node.children) walk(child, here);
  };
  walk(head, []);
  // The profiler's own calls are not the store's.
  const own = samples.filter(({ nodeId }) => names.get(nodeId)?.some((name) => name.startsWith('measuredCalls ')));
  const all = samples.length;
  /** @type {Map<string, number>} */
  const where = new Map();
  for (const { nodeId } of flags.where === 'all' ? samples : own) {
    const name = (names.get(nodeId) ?? []).slice(-2).toReversed().join(' < ');
    where.set(name, (where.get(name) ?? 0) + 1);
  }
  const bytes = (/** @type {readonly { size: number }[]} */ list) => list.reduce((sum, { size }) => sum + size, 0);
  return { call: own.length, callBytes: bytes(own), all, allBytes: bytes(samples), where };
}

// In one piece: the first who reads a text that was put together has V8 copy it, which is the caller's object and not the store's.
const text = (/** @type {number} */ n) => Buffer.from(`key/${String(n).padStart(28, '0')}`).toString('latin1');
const encoder = new TextEncoder();
const value = Buffer.alloc(256, 'v').toString('latin1');
const valueBytes = encoder.encode(value);

/** The promise of the newest call: those before it are settled when it is. @type {Promise<unknown>} */
let last = Promise.resolve();

/** Each gives a function that does its work once, and how to wait for what that has begun. */
/** @type {Readonly<Record<string, (engine: import('@varve/backend').Engine) => Promise<Case>>>} */
const cases = {
  'kv.put': async (engine) => {
    const kv = await open(engine, {});
    const keys = Array.from({ length: warmUps + 2 * measured }, (_, n) => text(n));
    let n = 0;
    return { run: () => void (last = kv.put(keys[n++] ?? '', value)), settled: () => last, close: () => kv.close() };
  },
  'store.put': async (engine) => {
    const opened = await storeOver(engine);
    const { store } = opened;
    const keys = Array.from({ length: warmUps + 2 * measured }, (_, n) => encoder.encode(text(n)));
    let n = 0;
    return {
      run: () => store.put(keys[n++] ?? valueBytes, valueBytes),
      settled: () => store.settled(),
      close: () => opened.close(),
    };
  },
  'kv.get': async (engine) => {
    const kv = await open(engine, {});
    const keys = Array.from({ length: 1000 }, (_, n) => text(n));
    await Promise.all(keys.map((key) => kv.put(key, value)));
    let n = 0;
    return { run: () => void (last = kv.get(keys[n++ % 1000] ?? '')), settled: () => last, close: () => kv.close() };
  },
  'store.get': async (engine) => {
    const opened = await storeOver(engine);
    const { store } = opened;
    const keys = Array.from({ length: 1000 }, (_, n) => encoder.encode(text(n)));
    for (const key of keys) store.put(key, valueBytes);
    await store.settled();
    let n = 0;
    return {
      run: () => store.get(keys[n++ % 1000] ?? valueBytes),
      settled: async () => undefined,
      close: () => opened.close(),
    };
  },
};

/** @param {import('@varve/backend').Engine} engine */
async function storeOver(engine) {
  const backend = await openBackend(engine);
  const store = await openWatchableStore(backend);
  return {
    store,
    async close() {
      await store.close();
      await backend.close();
    },
  };
}

/** By this name the profile knows what is in the call. @param {() => unknown} run */
function measuredCalls(run) {
  for (let j = 0; j < batch; j++) run();
}

/**
 * @param {string} name
 * @param {string} engine
 */
async function count(name, engine) {
  const [begins, opens] = [cases[name], engines[engine]];
  if (begins === undefined || opens === undefined) return refuse(usage, `There is no ${name} on ${engine}.`);
  const { run, settled, close } = await begins(await opens());
  for (let i = 0; i < warmUps; i += batch) {
    measuredCalls(run);
    await settled();
    await new Promise(setImmediate);
  }
  const sums = { call: 0, callBytes: 0, all: 0, allBytes: 0, where: /** @type {Map<string, number>} */ (new Map()) };
  for (let i = 0; i < measured; i += batch) {
    begin();
    measuredCalls(run);
    await settled();
    const part = end();
    for (const key of /** @type {const} */ (['call', 'callBytes', 'all', 'allBytes'])) sums[key] += part[key];
    for (const [where, n] of part.where) sums.where.set(where, (sums.where.get(where) ?? 0) + n);
  }
  await close();
  const each = (/** @type {number} */ n) => n / measured;
  if (flags.where) {
    const most = [...sums.where].sort((a, b) => b[1] - a[1]).slice(0, 20);
    for (const [where, n] of most) process.stderr.write(`${each(n).toFixed(2).padStart(8)}  ${where}\n`);
  }
  return { call: each(sums.call), callBytes: each(sums.callBytes), all: each(sums.all), allBytes: each(sums.allBytes) };
}

const header = ['', 'engine', 'objects in the call', 'bytes', 'objects in all', 'bytes'];
const rows = [header];
for (const name of flags.only?.split(',') ?? Object.keys(cases)) {
  for (const engine of flags.engines.split(',')) {
    const { call, callBytes, all, allBytes } = await count(name, engine);
    rows.push([name, engine, call.toFixed(1), callBytes.toFixed(0), all.toFixed(1), allBytes.toFixed(0)]);
  }
}
rmSync(folder, { recursive: true, force: true });
const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const row of rows) {
  process.stdout.write(
    `${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}\n`,
  );
}
