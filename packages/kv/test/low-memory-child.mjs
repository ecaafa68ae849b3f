// Fills a store, or opens it and reads all of it, and prints what memory that took; for runs with a small heap.
//   low-memory-child.mjs fill|read file|level|log PLACE MIB
import { readFileSync } from 'node:fs';
import { bytes, file, level, log, open } from '@varve/kv';

/** Bytes that nobody else can have: LevelDB maps its tables, and the kernel takes their pages back when it needs them. */
function ownMemory() {
  const anonymous = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return anonymous === null ? process.memoryUsage.rss() : Number(anonymous[1]) * 1024;
}

const [, , mode, kind, place, mib] = process.argv;
const kv = await open({ file, level, log }[kind](place), { value: bytes, cacheBytes: 8 << 20 });
const size = 64 * 1024;
const n = (Number(mib) << 20) / size;
let found = 0;
let peak = 0;
if (mode === 'fill') {
  const put = (i) => kv.put(`key/${String(i).padStart(8, '0')}`, new Uint8Array(size).fill(i));
  for (let i = 0; i < n; i += 64) await Promise.all(Array.from({ length: 64 }, (_, j) => put(i + j)));
} else {
  for await (const { key, value } of kv.list({})) {
    if (value.length === size && value[7] === Number(key.slice(4)) % 256) found += 1;
    if (found % 64 === 0) peak = Math.max(peak, ownMemory());
  }
}
await kv.close();
console.log(JSON.stringify({ found, peak, n }));
