// Puts, gets its answers, and ends without close.
import { file, level, log, open } from '../dist/index.js';

const [name, path] = process.argv.slice(2);
const kv = await open({ file, level, log }[name](path), {
  durability: 'interval',
  batchIntervalMs: 3_600_000,
});
for (let i = 0; i < 10; i += 1) await kv.put(`k${i}`, 'answered');
console.log(kv.revision);
