// @ts-check
// A large store beside a small one: put rate, memory, time of opening and of a compaction, at 1 and at 10 GB. Not in CI.
//
//   node tools/bench/large.mjs [--gigabytes 1,10] [--engine log|level|file] [--folder DIR]
//
// A gigabyte is 10^9 bytes of values of a kilobyte; each key is put twice, so a compaction to the newest revision drops half. Each size has a
// store and a process of its own. DIR must have room for about two and a half times the largest size.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBackend } from '@varve/backend';
import { openWatchableStore } from '@varve/watch';
import { flagsOf, refuse } from '../run/flags.mjs';
import { key, makeValues, N_VALUES, P, Prng } from './lib/gen.mjs';
import { diskMB, pct, sorted, statusKB } from './lib/stats.mjs';

const usage = `node tools/bench/large.mjs [--gigabytes 1,10] [--engine log|level|file] [--folder DIR]
  put rate, memory, time of opening and of a compaction of large stores; DIR needs two and a half times the room`;
const { flags } = flagsOf(usage, {
  gigabytes: { type: 'string', default: '1,10' },
  engine: { type: 'string', default: 'log' },
  folder: { type: 'string', default: tmpdir() },
  one: { type: 'string' },
});
const VALUE = 1000;
const GB = 1e9;

const sizes = flags.gigabytes.split(',').map(Number);
if (sizes.some((size) => !(size > 0)))
  refuse(usage, `--gigabytes is a list of numbers above 0, not ${flags.gigabytes}.`);
if (!['log', 'level', 'file'].includes(flags.engine))
  refuse(usage, `--engine is log, level or file, not ${flags.engine}.`);

if (flags.one === undefined) main();
else await measure(Number(flags.one), flags.folder);

function main() {
  const { bavail, bsize } = statfsSync(flags.folder);
  const needed = Math.max(...sizes) * 2.5 * GB;
  if (bavail * bsize < needed)
    refuse(
      usage,
      `${flags.folder} has ${((bavail * bsize) / GB).toFixed(0)} GB free, and ${(needed / GB).toFixed(0)} GB are needed.`,
    );
  /** @type {Record<string, string[]>} */
  const rows = {};
  for (const size of sizes) {
    const folder = mkdtempSync(join(flags.folder, 'varve-large-'));
    try {
      const args = ['--expose-gc', '--max-old-space-size=12288', fileURLToPath(import.meta.url)];
      const own = ['--one', String(size), '--engine', flags.engine, '--folder', folder];
      const { status, stdout } = spawnSync(process.execPath, [...args, ...own], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      if (status !== 0) {
        process.exitCode = 1;
        return;
      }
      for (const [name, value] of Object.entries(JSON.parse(stdout))) (rows[name] ??= []).push(String(value));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const head = [`${flags.engine}, values of a kilobyte`, ...sizes.map((size) => `${size} GB`)];
  process.stdout.write(`| ${head.join(' | ')} |\n| --- | ${sizes.map(() => '---:').join(' | ')} |\n`);
  for (const [name, values] of Object.entries(rows)) process.stdout.write(`| ${name} | ${values.join(' | ')} |\n`);
}

/** @param {string} folder */
async function openStore(folder) {
  const engine = await openEngine(folder);
  const backend = await openBackend(engine);
  const store = await openWatchableStore(backend, { durability: 'interval' });
  return {
    store,
    backend,
    close: async () => {
      await store.close();
      await backend.close();
    },
  };
}

/** @param {string} folder */
async function openEngine(folder) {
  if (flags.engine === 'level') return (await import('@varve/backend/level')).levelEngine(join(folder, 'level'));
  if (flags.engine === 'file') return (await import('@varve/backend/file')).fileEngine(join(folder, 'store.db'));
  return (await import('@varve/backend/log')).logEngine(join(folder, 'log'));
}

/** @param {number} gigabytes @param {string} folder */
async function measure(gigabytes, folder) {
  const values = makeValues(VALUE);
  const keys = Math.round((gigabytes * GB) / VALUE / 2);
  const base = statusKB('RssAnon');
  let { store, backend, close } = await openStore(folder);
  /** @param {number} from @param {number} to @returns {Promise<number>} a second */
  const fill = async (from, to) => {
    const began = performance.now();
    for (let i = from; i < to; i += 1) {
      if (!store.admitting) await store.admit();
      store.put(key(P.load, i % keys), /** @type {Buffer} */ (values[i % N_VALUES]));
      if (i % 512 === 511) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.commit();
    return (to - from) / ((performance.now() - began) / 1000);
  };
  const tenth = Math.round((2 * keys) / 10);
  const first = await fill(0, tenth);
  await fill(tenth, 2 * keys - tenth);
  const last = await fill(2 * keys - tenth, 2 * keys);
  const loaded = memoryMB(base);
  const disk = diskMB(folder);
  await close();

  const began = performance.now();
  ({ store, backend, close } = await openStore(folder));
  const opened = (performance.now() - began) / 1000;
  const openMemory = memoryMB(base);
  const random = new Prng(9);
  const get = rateOf(2000, () => store.get(key(P.load, random.below(keys)))?.value.length === VALUE);

  /** @type {number[]} */
  const late = [];
  let isCompacting = true;
  const beside = (async () => {
    for (let i = 0; isCompacting; i += 1) {
      const due = performance.now() + 1;
      while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
      store.put(key(P.fg, i % 100), /** @type {Buffer} */ (values[i % N_VALUES]));
      late.push(performance.now() - due);
    }
  })();
  const compactionBegan = performance.now();
  await (await store.compact(store.rev())).finished();
  const compacted = (performance.now() - compactionBegan) / 1000;
  isCompacting = false;
  await beside;
  const defragBegan = performance.now();
  await store.defrag();
  const defragged = (performance.now() - defragBegan) / 1000;
  const warnings = backend.warnings.length;
  const after = diskMB(folder);
  await close();
  const figures = {
    'puts a second, first tenth': whole(first),
    'puts a second, last tenth': whole(last),
    'anonymous memory after loading': `${whole(loaded)} MB`,
    'disk after loading': `${whole(disk)} MB`,
    'time of opening': `${opened.toFixed(2)} s`,
    'anonymous memory after opening': `${whole(openMemory)} MB`,
    'gets a second, any key, just opened': whole(get),
    'time of a compaction to the newest revision': `${compacted.toFixed(2)} s`,
    'a put meanwhile is late by, p99': `${pct(sorted(late), 0.99).toFixed(1)} ms`,
    'time of defrag': `${defragged.toFixed(2)} s`,
    'disk after that': `${whole(after)} MB`,
    warnings,
  };
  process.stdout.write(JSON.stringify(figures));
}

/** @param {number} windowMs @param {() => boolean} call */
function rateOf(windowMs, call) {
  const began = performance.now();
  let count = 0;
  for (; performance.now() - began < windowMs; count += 1) if (!call()) throw new Error('a key is missing');
  return count / ((performance.now() - began) / 1000);
}

/** @param {number} base */
function memoryMB(base) {
  globalThis.gc?.();
  globalThis.gc?.();
  return (statusKB('RssAnon') - base) / 1024;
}

/** @param {number} number */
function whole(number) {
  return Math.round(number).toLocaleString('en-US');
}
