/**
 * Memory and speed of the built package beside a bare Map of the same keys, in one process. Not a test: it asserts no
 * times. Run: node --expose-gc test/heap.bench.mjs [keys]
 */
import { createTreeIndex } from '@varve/index';

const KEY_BYTES = 32;
const keyCount = Number(process.argv[2] ?? 1_000_000);
if (globalThis.gc === undefined) throw new Error('run with --expose-gc');

const slab = Buffer.alloc(keyCount * KEY_BYTES);
for (let n = 0; n < keyCount; n++) slab.latin1Write(String(n).padStart(KEY_BYTES, 'bench/'), n * KEY_BYTES, KEY_BYTES);
/** Caller and index share one small buffer, so that the keys' own memory is not measured with the lookup. */
const scratch = new Uint8Array(KEY_BYTES);
function key(n) {
  scratch.set(slab.subarray(n * KEY_BYTES, (n + 1) * KEY_BYTES));
  return scratch;
}

const shuffled = Uint32Array.from({ length: keyCount }, (_, n) => n);
for (let n = keyCount - 1; n > 0; n--) {
  const other = Math.floor(Math.random() * (n + 1));
  [shuffled[n], shuffled[other]] = [shuffled[other], shuffled[n]];
}

function heapUsed() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Thousands per second, the copy of each key into the scratch buffer included. */
function rate(run) {
  const started = performance.now();
  for (let n = 0; n < keyCount; n++) run(n);
  return keyCount / Math.max(performance.now() - started, 1);
}

function report(name, value) {
  console.log(`${name.padEnd(44)} ${value}`);
}

function drive(walk) {
  const slices = [];
  for (;;) {
    const started = performance.now();
    const { done } = walk.next();
    slices.push(performance.now() - started);
    if (done) break;
  }
  slices.sort((a, b) => a - b);
  const at = (share) => slices[Math.floor((slices.length - 1) * share)].toFixed(2);
  const total = slices.reduce((sum, slice) => sum + slice, 0).toFixed(0);
  return `${total} ms, slices p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms`;
}

let before = heapUsed();
let map = new Map();
for (let n = 0; n < keyCount; n++) map.set(slab.latin1Slice(n * KEY_BYTES, (n + 1) * KEY_BYTES), n + 2);
const bare = heapUsed() - before;
map.clear();
map = undefined;
report('Map<string, number>, bytes a key', (bare / keyCount).toFixed(1));

function measure(name, order) {
  before = heapUsed();
  const index = createTreeIndex();
  const heap = (what) => {
    const used = heapUsed() - before;
    report(`${name}: ${what}, bytes a key`, `${(used / keyCount).toFixed(1)} = ${(used / bare).toFixed(2)} x Map`);
  };
  const speed = (what, run) => report(`${name}: ${what}`, `${Math.round(rate(run))} k/s`);
  let main = 1;
  speed('put of new keys', (n) => index.put(key(order[n]), ++main, 0));
  heap('put once');
  speed('get, random', (n) => index.get(key(shuffled[n]), main));
  speed('get, 1,000 hot keys', (n) => index.get(key(shuffled[n % 1000]), main));
  speed('put again', (n) => index.put(key(order[n]), ++main, 0));
  heap('put twice');
  speed('get at the older revision, random', (n) => index.get(key(shuffled[n]), keyCount + 1));
  report(`${name}: keep`, drive(index.keep(main)));
  report(`${name}: compact`, drive(index.compact(main)));
  heap('put twice, compacted');
  for (let n = 0; n < keyCount; n++) if (n % 10 !== 0) index.tombstone(key(order[n]), ++main, 0);
  for (let n = 0; n < keyCount; n++) if (n % 10 !== 0) index.put(key(order[n]), ++main, 0);
  heap('deleted and put again');
  report(`${name}: compact`, drive(index.compact(main)));
  heap('deleted and put again, compacted');
  for (let n = 0; n < keyCount; n++) if (n % 10 !== 0) index.tombstone(key(order[n]), ++main, 0);
  report(`${name}: compact to a tenth`, drive(index.compact(main + 1)));
  heap('a tenth left');
}

measure(
  'in order',
  Uint32Array.from({ length: keyCount }, (_, n) => n),
);
measure('shuffled', shuffled);
