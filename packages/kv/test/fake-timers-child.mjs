// Replaces every clock, timer and turn that a test can replace, after the store was imported and opened; then uses it.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { file, level, log, memory, open } from '../dist/index.js';

const [name, path, how] = process.argv.slice(2);
const places = { memory: () => memory(), level: () => level(path), log: () => log(path), file: () => file(path) };
const kv = await open(places[name](), {
  durability: how === 'interval' ? 'interval' : 'commit',
});

const require = createRequire(import.meta.url);
const never = () => ({ unref() {}, ref() {}, hasRef: () => false });
const fakes = { setTimeout: never, setInterval: never, setImmediate: never };
for (const target of [globalThis, require('node:timers')]) Object.assign(target, fakes);
const pending = () => new Promise(() => {});
Object.assign(require('node:timers/promises'), { setTimeout: pending, setImmediate: pending });
syncBuiltinESMExports();
globalThis.queueMicrotask = () => {};
// Node's own sockets and child processes, which the lock of a file that is replaced needs, run on it.
if (name !== 'file') process.nextTick = () => {};
performance.now = () => 0;
globalThis.performance = { now: () => 0 };
Date.now = () => 0;
globalThis.Date = Object.assign(() => '', { now: () => 0 });

const done = [];
const watch = kv.watch({ prefix: 'k' }, { from: 1 });
for (let i = 0; i < 1500; i += 1) void kv.put(`k${i}`, 'v');
await kv.put('k', 'last');
done.push('put');
if ((await kv.get('k'))?.value === 'last') done.push('get');
let seen = 0;
for await (const event of watch) {
  seen += 1;
  if (event.key === 'k') break;
}
done.push(`watch ${seen}`);
let listed = 0;
for await (const entry of kv.list({ prefix: 'k' })) listed += entry.key.length > 0 ? 1 : 0;
done.push(`list ${listed}`);
await kv.compact(kv.revision, { physical: true });
done.push('compact');
await kv.transaction(async (tx) => tx.put('t', (await tx.get('k'))?.value ?? ''));
await kv.commit();
await kv.defrag();
done.push('defrag');
await kv.hashByRev();
done.push('hash');
await kv.close();
done.push('close');
console.log(done.join(', '));
