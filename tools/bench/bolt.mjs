// @ts-check
// @varve/bolt beside bbolt, better-sqlite3 and classic-level: commits into a large file, and reads from the cache.
//   node tools/bench/bolt.mjs [--records 1000000] [--commits 10] [--puts 1000] [--rounds 3] [--reads 400000]
//   node tools/bench/bolt.mjs --memory [--engine] [--gigabytes 1] [--rounds 3]
//
// Each peer starts from the same pairs (32 and 256 bytes) in a process of its own; every commit is durable when its time
// stops. A ratio is taken inside a round, to bbolt where Go and bbolt's source are installed (`golang-go
// golang-github-coreos-bbolt-dev` in Debian), else to the first peer. CPU is what the process used, threads included.
// --memory reads 40,000 pairs all over a file through a cache of 64 MiB, so that it is full, then scans the file, in as
// many processes as rounds; it ends with 1 when any of them grows by more than the cache and 64 MB. --engine does the same
// through the file engine of @varve/backend.
import { spawnSync } from 'node:child_process';
import { createWriteStream, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { flagsOf, refuse } from '../run/flags.mjs';
import { bolt, boltSource, CACHE_BYTES, peers } from './lib/bolt-peers.mjs';
import { Prng } from './lib/gen.mjs';
import { median, statusKB } from './lib/stats.mjs';

const usage = `node tools/bench/bolt.mjs [--records N] [--commits N] [--puts N] [--rounds N] [--reads N] [--peers a,b] [--folder DIRECTORY]
node tools/bench/bolt.mjs --memory [--engine] [--gigabytes 1] [--rounds N]
  one file beside bbolt and others: commits and reads; or how much memory a scan takes`;
const { flags } = flagsOf(usage, {
  records: { type: 'string', default: '1000000' },
  commits: { type: 'string', default: '10' },
  puts: { type: 'string', default: '1000' },
  rounds: { type: 'string', default: '3' },
  reads: { type: 'string', default: '400000' },
  peers: { type: 'string' },
  memory: { type: 'boolean', default: false },
  engine: { type: 'boolean', default: false },
  gigabytes: { type: 'string', default: '1' },
  folder: { type: 'string', default: os.tmpdir() },
  work: { type: 'string' },
  order: { type: 'string' },
});
const records = Number(flags.records);
const commits = Number(flags.commits);
const puts = Number(flags.puts);
const rounds = Number(flags.rounds);
const reads = Number(flags.reads);
const self = fileURLToPath(import.meta.url);
const HOT_KEYS = 4000;
const nothing = new Uint8Array(0);

/** @typedef {import('./lib/bolt-peers.mjs').Pair} Pair */
/** @typedef {import('./lib/bolt-peers.mjs').Open} Open */
/** @typedef {{ wall: number, cpu: number }} Sample */

if (flags.work === 'memory') await scan(flags.folder);
else if (flags.work !== undefined) await measureHere(flags.work, flags.folder);
else if (flags.memory) await memory();
else await compare();

/**
 * Key `i` of a peer's base: spread over all first bytes but the last, which is left to the keys that are appended.
 * @param {number} i
 */
function spreadKey(i) {
  const random = new Prng(i + 1);
  const key = Buffer.alloc(32);
  for (let at = 0; at < 32; at += 4) key.writeUInt32LE(random.u32(), at);
  if (key[0] === 255) key[0] = i % 255;
  return key;
}

/** @param {number} i */
function appendedKey(i) {
  const key = Buffer.alloc(32);
  key[0] = 255;
  key.writeUInt32BE(i, 5);
  return key;
}

/** Bytes that do not compress, cut out of one buffer. */
function valueMaker() {
  const random = new Prng(7);
  const bytes = Buffer.alloc(1 << 16);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(random.u32(), at);
  return (/** @type {number} */ i) => {
    const at = (i * 97) % (bytes.length - 256);
    return bytes.subarray(at, at + 256);
  };
}

/** By order of the keys and by peer, one sample a round. @typedef {Record<string, Record<string, Sample[]>>} Results */

async function compare() {
  const scratch = mkdtempSync(join(flags.folder, 'varve-bench-bolt-'));
  const wanted = flags.peers?.split(',');
  const names = Object.keys(peers).filter(
    (name) => (wanted?.includes(name) ?? true) && (peers[name]?.available?.() ?? true),
  );
  try {
    const go = (wanted?.includes('bbolt') ?? true) ? goTool(scratch) : undefined;
    const base = join(scratch, 'base');
    mkdirSync(base);
    await fill(base, names);
    const all = go === undefined ? names : ['bbolt', ...names];
    const anchor = all[0] ?? refuse(usage, 'There is no such peer.');
    /** @type {Results} */
    const results = {};
    for (let round = 0; round < rounds; round++) {
      for (const order of ['random', 'append', 'read']) {
        for (const name of round % 2 === 0 ? all : all.toReversed()) {
          if (order === 'read' && name === 'bbolt') continue;
          const dir = join(scratch, 'run');
          cpSync(base, dir, { recursive: true });
          const sample = name === 'bbolt' && go !== undefined ? runGo(go, dir, order) : run(name, dir, order);
          rmSync(dir, { recursive: true });
          ((results[order] ??= {})[name] ??= []).push(sample);
        }
      }
    }
    report(results, all, anchor);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * @param {Results} results
 * @param {readonly string[]} all
 * @param {string} anchor
 */
function report(results, all, anchor) {
  const cpu = `${os.cpus()[0]?.model ?? 'unknown'} × ${os.cpus().length}`;
  console.log(`Node ${process.version}, ${cpu}, load average ${(os.loadavg()[0] ?? 0).toFixed(1)}.`);
  console.log(`${records} pairs; ${commits} commits of ${puts} puts; ${reads} reads; ${rounds} rounds, medians.\n`);
  console.log(`| | ${all.join(' | ')} |\n|---|${all.map(() => '---:|').join('')}`);
  for (const [order, byPeer] of Object.entries(results)) {
    const base = byPeer[anchor] ?? byPeer['better-sqlite3'] ?? Object.values(byPeer)[0] ?? [];
    for (const field of /** @type {const} */ (['wall', 'cpu'])) {
      const cells = all.map((name) => {
        const samples = byPeer[name];
        if (samples === undefined) return '';
        const ratio = median(samples.map((sample, round) => sample[field] / (base[round]?.[field] ?? Number.NaN)));
        const own = median(samples.map((sample) => sample[field]));
        return `${own.toFixed(own < 10 ? 2 : 1)}${samples === base ? '' : ` (${ratio.toFixed(2)}×)`}`;
      });
      const title = order === 'read' ? `point read from cache, µs` : `${order} commit, ms`;
      console.log(`| ${title}${field === 'cpu' ? ' of CPU' : ''} | ${cells.join(' | ')} |`);
    }
  }
}

/**
 * The base of every peer: bolt's is built at once, the others take commits in key order.
 * @param {string} base
 * @param {readonly string[]} names
 */
async function fill(base, names) {
  const keys = Array.from({ length: records }, (_, i) => spreadKey(i)).toSorted((a, b) => Buffer.compare(a, b));
  const value = valueMaker();
  const { buildBolt } = await bolt();
  const rows = function* () {
    for (let at = 0; at < keys.length; at += 1000)
      yield keys.slice(at, at + 1000).map((key, i) => ({ bucket: 'key', key, value: value(at + i) }));
  };
  const image = await buildBolt({ rows }, { fillPercent: 0.7 });
  await pipeline(image, createWriteStream(join(base, 'state.db')));
  for (const name of names) {
    if (name === 'bolt') continue;
    const db = await peerOf(name).open(base, false);
    for (const chunk of rows()) {
      await db.commit(chunk.map((row) => /** @type {Pair} */ ([row.key, row.value])));
    }
    await db.close();
  }
}

/** @param {string} name */
function peerOf(name) {
  return peers[name] ?? refuse(usage, `There is no peer ${name}.`);
}

/**
 * @param {string} name
 * @param {string} dir
 * @param {string} order
 * @returns {Sample}
 */
function run(name, dir, order) {
  const args = ['--expose-gc', self, '--work', name, '--order', order, '--folder', dir];
  for (const flag of /** @type {const} */ (['records', 'commits', 'puts', 'reads']))
    args.push(`--${flag}`, flags[flag]);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return JSON.parse(stdout);
}

/**
 * @param {string} name
 * @param {string} dir
 */
async function measureHere(name, dir) {
  const db = await peerOf(name).open(dir, flags.order === 'append');
  const sample = flags.order === 'read' ? readHot(db) : await commitAll(db);
  await db.close();
  console.log(JSON.stringify(sample));
}

/**
 * @param {Open} db
 * @returns {Promise<Sample>}
 */
async function commitAll(db) {
  const value = valueMaker();
  const random = new Prng(123);
  let wall = 0;
  let cpu = 0;
  // The first commit opens what was just opened; it is not counted, nor is bbolt's.
  for (let commit = 0; commit <= commits; commit++) {
    const pairs = Array.from({ length: puts }, (_, i) => {
      const number = commit * puts + i;
      const key = flags.order === 'append' ? appendedKey(number) : spreadKey(records + random.u32());
      return /** @type {Pair} */ ([key, value(number)]);
    });
    const used = process.cpuUsage();
    const start = performance.now();
    await db.commit(pairs);
    if (commit === 0) continue;
    wall += performance.now() - start;
    cpu += cpuMs(used);
  }
  return { wall: wall / commits, cpu: cpu / commits };
}

/**
 * @param {Open} db
 * @returns {Sample}
 */
function readHot(db) {
  const keys = Array.from({ length: HOT_KEYS }, (_, i) => spreadKey(Math.floor((i * records) / HOT_KEYS)));
  const read = db.reader();
  const get = (/** @type {number} */ i) => read(/** @type {Buffer} */ (keys[i])) ?? nothing;
  const random = new Prng(5);
  let bytes = 0;
  for (let i = 0; i < HOT_KEYS * 3; i++) bytes += get(i % HOT_KEYS).length;
  const used = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < reads; i++) bytes += get(random.below(HOT_KEYS)).length;
  const wall = performance.now() - start;
  if (bytes !== (HOT_KEYS * 3 + reads) * 256) throw new Error('a key was not found');
  return { wall: (wall * 1000) / reads, cpu: (cpuMs(used) * 1000) / reads };
}

/** @param {NodeJS.CpuUsage} since */
function cpuMs(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/**
 * The Go program over the real bbolt, or undefined where it cannot be built.
 * @param {string} scratch
 */
function goTool(scratch) {
  const tool = join(scratch, 'bbolt-tool');
  const source = fileURLToPath(new URL('test/bbolt/main.go', boltSource));
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };
  const { status } = spawnSync('go', ['build', '-o', tool, source], { env: { ...env, GOCACHE: join(scratch, 'go') } });
  if (status === 0) return tool;
  console.error('bbolt left out: Go or its source is not installed');
  return undefined;
}

/**
 * @param {string} tool
 * @param {string} dir
 * @param {string} order
 * @returns {Sample}
 */
function runGo(tool, dir, order) {
  const args = ['bench', join(dir, 'state.db'), String(puts), String(commits), order];
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`bbolt: ${stderr}`);
  return JSON.parse(stdout);
}

async function memory() {
  const scratch = mkdtempSync(join(flags.folder, 'varve-bench-bolt-'));
  try {
    const value = valueMaker();
    const rows = Math.ceil((Number(flags.gigabytes) * 1e9) / 325);
    const { buildBolt } = await bolt();
    const chunks = function* () {
      for (let at = 0; at < rows; at += 1000)
        yield Array.from({ length: 1000 }, (_, i) => ({ bucket: 'key', key: appendedKey(at + i), value: value(i) }));
    };
    // With the mark of a store of ours, or the file engine would refuse it.
    const image = await buildBolt({ rows: chunks }, { sequence: 0x7661_7276_656b_7673n });
    const { size } = image;
    await pipeline(image, createWriteStream(join(scratch, 'state.db')));
    const same = ['--gigabytes', flags.gigabytes];
    const args = [self, '--work', 'memory', '--folder', scratch, ...same, ...(flags.engine ? ['--engine'] : [])];
    const most = CACHE_BYTES / 1e6 + 64;
    for (let round = 0; round < rounds; round++) {
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      const { rows: seen, full, grown, seconds } = JSON.parse(stdout);
      if (seen < rows) throw new Error(`${seen} of ${rows} pairs were seen`);
      console.log(
        `${(size / 1e6).toFixed(0)} MB, ${seen} pairs scanned in ${seconds.toFixed(1)} s; grown by ${full.toFixed(0)} MB ` +
          `with a full cache, by ${grown.toFixed(0)} MB at most (cache and 64 MB: ${most.toFixed(0)})`,
      );
      if (grown > most) process.exitCode = 1;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {string} dir */
async function scan(dir) {
  const path = join(dir, 'state.db');
  const store = flags.engine ? await engineOn(path) : await fileOn(path);
  const before = statusKB('VmRSS');
  const megabytes = (/** @type {string} */ field) => ((statusKB(field) - before) * 1024) / 1e6;
  const random = new Prng(9);
  const last = Math.ceil((Number(flags.gigabytes) * 1e9) / 325);
  for (let i = 0; i < 40_000; i++)
    if (store.get(appendedKey(random.below(last))) === undefined) throw new Error('lost');
  const full = megabytes('VmHWM');
  const start = performance.now();
  const rows = await store.count();
  const seconds = (performance.now() - start) / 1000;
  const grown = megabytes('VmHWM');
  await store.close();
  console.log(JSON.stringify({ rows, full, grown, seconds }));
}

/** @typedef {{ get: (key: Uint8Array) => unknown, count: () => number | Promise<number>, close: () => unknown }} Scanned */

/**
 * @param {string} path
 * @returns {Promise<Scanned>}
 */
async function fileOn(path) {
  const db = await (await bolt()).openBolt(path, { cacheBytes: CACHE_BYTES, readOnly: true });
  const bucket = db.read().bucket('key');
  if (bucket === undefined) throw new Error('the file has no bucket "key"');
  return {
    get: (key) => bucket.get(key),
    count() {
      let rows = 0;
      for (const { value } of bucket.entries()) if (value?.length === 256) rows++;
      return rows;
    },
    close: () => db.close(),
  };
}

/**
 * @param {string} path
 * @returns {Promise<Scanned>}
 */
async function engineOn(path) {
  const { fileEngine } = await import('@varve/backend/file');
  const { buckets } = await import('@varve/backend');
  const engine = await fileEngine(path, { create: false, cacheBytes: CACHE_BYTES });
  return {
    get: (key) => engine.get(buckets.key, key),
    async count() {
      let rows = 0;
      for await (const chunk of engine.scan(buckets.key))
        for (const { value } of chunk) if (value.length === 256) rows++;
      return rows;
    },
    close: () => engine.close(),
  };
}
