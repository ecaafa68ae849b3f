// @ts-check
/**
 * One point of a growth plot: what a call costs in a store of some size, measured in a process of its own.
 *
 * GRP1  Costs are processor time of all threads, which other programs disturb least; opening and memory are as the others are.
 * GRP2  Each point prints one line of JSON: the series it belongs to, by name, and their values.
 */
import { openBackend } from '@varve/backend';
import { folderEngine } from '@varve/backend/folder';
import { openWatchableStore } from '@varve/watch';
import { key, makeValues, N_VALUES, P, Prng } from './gen.mjs';

/** @typedef {Readonly<Record<string, number>>} Point by the name of a series */
/** @typedef {import('@varve/watch').WatchableStore} Store */

const VALUE = 256;
const values = makeValues(VALUE);
const valueAt = (/** @type {number} */ i) => /** @type {Buffer} */ (values[i & (N_VALUES - 1)]);
const keyOf = (/** @type {number} */ i) => key(P.load, i);

/** What a point of each plot is. */
export const plots = /** @type {const} */ ({ watchers: watchersPoint, keys: keysPoint, history: historyPoint });

/** @param {string} folder */
async function openStore(folder) {
  const backend = await openBackend(await folderEngine(folder));
  const store = await openWatchableStore(backend, { durability: 'interval', queueCapacity: 1 << 20 });
  const close = async () => {
    await store.close();
    await backend.close();
  };
  return { store, close };
}

/**
 * Processor time of each of some calls, in µs: as many as fit in the window.
 * @param {number} windowMs @param {(i: number) => unknown} call @param {() => Promise<unknown>} [end] of what the calls have begun
 */
async function cost(windowMs, call, end = () => Promise.resolve()) {
  let count = await callsIn(windowMs / 3, 0, call); // until the code is compiled
  const first = count;
  const before = process.cpuUsage();
  count = await callsIn(windowMs, count, call);
  await end();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (count - first);
}

/** @param {number} windowMs @param {number} from @param {(i: number) => unknown} call @returns {Promise<number>} the number of the next one */
async function callsIn(windowMs, from, call) {
  const began = performance.now();
  let next = from;
  for (; performance.now() - began < windowMs; next += 64) {
    for (let j = 0; j < 64; j += 1) {
      const wait = call(next + j);
      if (wait instanceof Promise) await wait;
    }
    // Others have their turn: commits, and readers of events.
    await turn();
  }
  return next;
}

/** @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Bytes of the language's memory that are in use, after what can be collected is; arrays outside the heap are in it. */
async function heapInUse() {
  for (let i = 0; i < 3; i += 1) {
    await turn();
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @param {Store} store @param {(i: number) => Buffer} keyAt */
function putter(store, keyAt) {
  return (/** @type {number} */ i) => {
    const write = () => void store.put(keyAt(i), valueAt(i));
    return store.admitting ? write() : store.admit().then(write);
  };
}

/** @param {string} folder @param {number} count @param {number} windowMs @returns {Promise<Point>} */
async function watchersPoint(folder, count, windowMs) {
  const { store, close } = await openStore(folder);
  const put = putter(store, (i) => key(P.dur, i % 1000));
  await cost(windowMs / 2, put, () => store.commit());
  const stream = store.newWatchStream();
  let delivered = 0;
  const reading = (async () => {
    for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
      for (let one = /** @type {typeof response | undefined} */ (response); one !== undefined; one = stream.poll())
        if (one.type === 'events') delivered += one.events.length;
    }
  })();
  for (let i = 0; i < count; i += 1) stream.watch(key(P.watch, i), undefined, {});
  const others = await cost(windowMs, put, () => store.commit());
  const own = await cost(
    windowMs,
    putter(store, (i) => key(P.watch, (i * 7919) % count)),
    () => store.commit(),
  );
  // All on one key: an event goes to each.
  const shared = store.newWatchStream();
  let wanted = 0;
  let got = 0;
  const counting = (async () => {
    for (let response = await shared.next(); response !== undefined; response = await shared.next()) {
      for (let one = /** @type {typeof response | undefined} */ (response); one !== undefined; one = shared.poll())
        if (one.type === 'events') got += one.events.length;
    }
  })();
  for (let i = 0; i < count; i += 1) shared.watch(key(P.fg, 0), undefined, {});
  const before = process.cpuUsage();
  const began = performance.now();
  while (performance.now() - began < windowMs) {
    store.put(key(P.fg, 0), valueAt(0));
    wanted += count;
    while (got < wanted && performance.now() - began < 20 * windowMs) await turn();
  }
  const { user, system } = process.cpuUsage(before);
  stream.close();
  shared.close();
  await Promise.all([reading, counting]);
  await close();
  if (delivered === 0 || got === 0) throw new Error('no event arrived');
  return {
    'put, others watch': others,
    'put, one of them watches': own,
    'event to each of them': (user + system) / got,
  };
}

/** Puts each key once, and lets nothing of that stay in memory. @param {string} folder @param {number} count */
async function fillOnce(folder, count) {
  const { store, close } = await openStore(folder);
  const fill = putter(store, keyOf);
  for (let i = 0; i < count; i += 1) {
    const wait = fill(i);
    if (wait instanceof Promise) await wait;
    if (i % 1024 === 1023) await turn();
  }
  await close();
}

/** @param {string} folder @param {number} count @param {number} windowMs @returns {Promise<Point>} */
async function keysPoint(folder, count, windowMs) {
  await fillOnce(folder, count);
  const heapBefore = await heapInUse();
  const began = performance.now();
  const { store, close } = await openStore(folder);
  const openedMs = performance.now() - began;
  const heap = (await heapInUse()) - heapBefore;
  const random = new Prng(3);
  const get = await cost(windowMs, () => {
    if (store.get(keyOf(random.below(count))) === undefined) throw new Error('a key is missing');
  });
  const put = await cost(
    windowMs,
    putter(store, () => keyOf(random.below(count))),
    () => store.commit(),
  );
  await close();
  return {
    'get, any key': get,
    'put, any key': put,
    'opening, each key': (openedMs * 1000) / count,
    'bytes of memory, each key': Math.max(1, heap / count),
  };
}

/** @param {string} folder @param {number} depth @param {number} windowMs @returns {Promise<Point>} */
async function historyPoint(folder, depth, windowMs) {
  const keys = Math.max(10, Math.round(100_000 / depth));
  const { store, close } = await openStore(folder);
  const put = putter(store, (i) => keyOf(i % keys));
  const first = store.rev() + 1;
  for (let i = 0; i < keys * depth; i += 1) {
    const wait = put(i);
    if (wait instanceof Promise) await wait;
    if (i % 1024 === 1023) await turn();
  }
  await store.commit();
  const last = store.rev();
  const random = new Prng(3);
  const newest = await cost(windowMs, () => store.get(keyOf(random.below(keys))));
  const old = await cost(windowMs, () => {
    const revision = first + keys - 1 + random.below(last - first - keys + 2);
    if (store.get(keyOf(random.below(keys)), { revision }) === undefined) throw new Error('a revision is missing');
  });
  const update = await cost(windowMs, put, () => store.commit());
  await close();
  return { 'get, newest': newest, 'get, any revision': old, put: update };
}
