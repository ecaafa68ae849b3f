// @ts-check
// What runs inside of the bundle: the suite that every `Kv` must pass, on a store in memory.
import { kvConformance } from '@varve/api/conformance';
import { open } from '@varve/kv/memory';

/** @returns {Promise<{ readonly held: number, readonly failed: readonly string[] }>} */
export async function runConformance() {
  /** @type {[string, () => Promise<void>][]} */
  const scenarios = [];
  kvConformance({
    test: (name, body) => void scenarios.push([name, body]),
    open: (codecs) => open(undefined, codecs),
  });
  scenarios.push(['snapshot: a copy is a BoltDB file of the size that was said', copies]);
  let held = 0;
  /** @type {string[]} */
  const failed = [];
  for (const [name, body] of scenarios) {
    try {
      await body();
      held++;
    } catch (error) {
      failed.push(`${name}: ${String(error instanceof Error ? error.stack : error)}`);
    }
  }
  return { held, failed };
}

/** The file's magic number lies behind the header of its first page. */
const magicAt = 16;

async function copies() {
  const kv = await open();
  try {
    for (let i = 0; i < 1000; i++) await kv.put(`key/${i}`, 'x'.repeat(i));
    const snapshot = await kv.snapshot();
    let bytes = 0;
    let magic = 0;
    for await (const chunk of snapshot) {
      if (bytes === 0) magic = new DataView(chunk.buffer, chunk.byteOffset).getUint32(magicAt, true);
      bytes += chunk.length;
    }
    if (bytes !== snapshot.size) throw new Error(`${bytes} bytes came, ${snapshot.size} were said`);
    if (magic !== 0xed0cdaed) throw new Error(`the magic number is ${magic.toString(16)}`);
  } finally {
    await kv.close();
  }
}
