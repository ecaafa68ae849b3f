// @ts-check
// What the walks of ARCHITECTURE.md pass: packages and source files whose code runs between a call and its answer, on the default engine.
//
// How it counts: V8's precise coverage, reset before each walk. A file counts when one of its functions ran; what ran while it was loaded
// does not. Each walk goes five times and the shortest counts, so that nothing is in it that happens now and then.
import { Session } from 'node:inspector/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { flagsOf } from '../run/flags.mjs';

const usage = `node tools/bench/walks.mjs [--files] [--root FOLDER]
  packages and files that each walk passes; --files names them, --root is another checkout, built`;
const { flags } = flagsOf(usage, {
  root: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
  files: { type: 'boolean', default: false },
});

const entry = pathToFileURL(join(resolve(flags.root), 'packages/kv/dist/index.js')).href;
const { open } = await import(entry);
const session = new Session();
session.connect();
await session.post('Profiler.enable');

/** @type {Map<string, { calls: number, lines: string[] }>} */
const walks = new Map();
const folder = mkdtempSync(join(tmpdir(), 'varve-walks-'));
try {
  const path = join(folder, 'data');
  for (let round = 0; round < 5; round += 1) {
    let kv = await open(path);
    for (let i = 0; i < 20; i += 1) await kv.put(`key${i}`, `value${i}`);
    const from = kv.revision;
    await walk('put', () => kv.put('key1', 'again'));
    await kv.close();

    kv = await walk('restart', () => open(path));
    await walk('get, not cached', () => kv.get('key7'));
    await walk('get, cached', () => kv.get('key7'));
    await kv.put('key8', 'history');
    const events = await walk('watch, to the first event of history', () => {
      const iterator = kv.watch({ prefix: 'key' }, { from })[Symbol.asyncIterator]();
      return iterator.next().then(() => iterator);
    });
    let revision = 0;
    while (revision < kv.revision) revision = (await events.next()).value.revision;
    // Until it has caught up and waits.
    const waiting = events.next();
    await sleep(50);
    await walk('watch, a put to its event', async () => {
      await kv.put('key9', 'live');
      await waiting;
    });
    await events.return?.();
    await kv.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const { lines } of walks.values()) console.log(lines.join('\n'));

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 */
async function walk(name, work) {
  await sleep(20);
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage');
  const answer = await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  /** @type {Map<string, string[]>} */
  const passed = new Map();
  let functionCount = 0;
  let callCount = 0;
  for (const { url, functions } of result) {
    const [, one, file] = /\/packages\/([a-z]+)\/dist\/(.+)\.js$/.exec(url) ?? [];
    if (one === undefined || file === undefined) continue;
    // What begins at the begin of the file is the module itself.
    const ran = functions.filter(
      ({ ranges: [whole] }) => whole !== undefined && whole.startOffset > 0 && whole.count > 0,
    );
    functionCount += ran.length;
    callCount += ran.reduce((sum, { ranges: [whole] }) => sum + (whole?.count ?? 0), 0);
    if (ran.length > 0) passed.set(one, [...(passed.get(one) ?? []), file]);
  }
  const files = [...passed.values()].reduce((sum, list) => sum + list.length, 0);
  const each = [...passed].map(([one, list]) => `${one} ${list.length}`).join(', ');
  const shortest = walks.get(name);
  if (shortest !== undefined && shortest.calls <= callCount) return answer;
  const lines = [
    `${name}: ${passed.size} packages, ${files} files (${each}), ${functionCount} functions, ${callCount} calls`,
  ];
  if (flags.files) for (const [one, list] of passed) for (const file of list) lines.push(`    ${one}/${file}`);
  walks.set(name, { calls: callCount, lines });
  return answer;
}
