// Writes what it is told to, answers it, and ends by itself: no close, no exit.
import { openBackend, buckets } from '../dist/index.js';

const [name, path, how] = process.argv.slice(2);
const engine = await {
  memory: async () => (await import('../dist/engines/memory.js')).memoryEngine(),
  level: async () => (await import('../dist/engines/level/index.js')).levelEngine(path),
  log: async () => (await import('../dist/engines/log/index.js')).logEngine(path),
  file: async () => (await import('../dist/engines/file/index.js')).fileEngine(path),
}[name]();
const bytes = (text) => new TextEncoder().encode(text);
const failing = how === 'failing' ? new Proxy(engine, { get: (inner, member) => failed(inner, member) }) : engine;
const backend = await openBackend(failing, { batchIntervalMs: 3_600_000 });

function failed(inner, member) {
  if (member === 'commit') return () => Promise.reject(new Error('the disk is gone'));
  const value = Reflect.get(inner, member, inner);
  return typeof value === 'function' ? value.bind(inner) : value;
}

backend.batchTx((tx) => {
  tx.createBucket(buckets.test);
  tx.put(buckets.test, bytes('a'), bytes('answered'));
});
if (how === 'twice') {
  await backend.forceCommit();
  process.once('beforeExit', () => backend.batchTx((tx) => tx.put(buckets.test, bytes('b'), bytes('later'))));
}
await Promise.resolve(); // the code that wrote has come to its end
console.log(`listeners ${process.listenerCount('beforeExit') - (how === 'twice' ? 1 : 0)}`);
