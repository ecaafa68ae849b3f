// @ts-check
// Whether a store that keeps itself small stays so, and what noting the times of revisions costs.
//
//   node tools/bench/retain.mjs [--only flat,times] [--engines level,file,log] [--minutes 10] [--rate 2000] [--keys 10000]
//                               [--revisions 20000] [--puts 100000] [--rounds 3] [--writers 64]
//
// flat: one process an engine, all at the same time, each updates its keys at random without a pause of its own, so many puts a second, with
// `retain: { revisions }` and `times`. Sizes are of the files in the folder, memory is what is left after a collection (heap and buffers) and the resident set.
// Before that three times as many revisions as are kept are written as fast as it goes. What a machine was too slow for is not made up for later.
// A store is flat where the mean of the last third is at most 1.25 times that of the second, or the most of the last third is at most 1.25 times that of
// the two before: sizes go up and down between two cleanings, and a mean over part of such a tooth says little; or they go by doubling. It ends with 1 where
// one is not.
// times: puts with and without times, in turns in one process, by so many writers that wait for their commits: processor time a put, and bytes a revision.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { file, level, log, open } from '@varve/kv';
import { flagsOf, refuse } from '../run/flags.mjs';
import { Random } from '../run/random.mjs';

const usage = `node tools/bench/retain.mjs [--only flat,times] [--engines level,file,log] [--minutes N] [--rate N] [--keys N]
    [--revisions N] [--puts N] [--rounds N] [--writers N] [--samples]
  whether size and memory stay flat under updates with retain, and what times cost`;
const { flags } = flagsOf(usage, {
  only: { type: 'string', default: 'flat,times' },
  engines: { type: 'string', default: 'level,file,log' },
  minutes: { type: 'string', default: '10' },
  rate: { type: 'string', default: '2000' },
  keys: { type: 'string', default: '10000' },
  revisions: { type: 'string', default: '20000' },
  puts: { type: 'string', default: '100000' },
  rounds: { type: 'string', default: '3' },
  writers: { type: 'string', default: '64' },
  samples: { type: 'boolean', default: false },
  part: { type: 'string' },
});
/** @type {Readonly<Record<string, (path: string) => import('@varve/kv').Location>>} */
const places = { level: (path) => level(path), file: (path) => file(`${path}.db`), log: (path) => log(path) };
const names = flags.engines.split(',');
const parts = flags.only.split(',');
const wrong =
  names.find((name) => !Object.hasOwn(places, name)) ?? parts.find((part) => part !== 'flat' && part !== 'times');
if (wrong !== undefined) refuse(usage, `There is no ${wrong}.`);
const minutes = positive('minutes');
const rate = positive('rate');
const keyN = positive('keys');
const revisions = positive('revisions');
const puts = positive('puts');
const rounds = positive('rounds');
const writers = positive('writers');
const valueBytes = 256;
let random = new Random(1);

/** @typedef {{ second: number, puts: number, disk: number, inUse: number, kept: number, resident: number, retained: number, tookMs: number }} Sample */

if (flags.part === undefined) await main();
else await inFolder(flags.part);

/** @param {'minutes' | 'rate' | 'keys' | 'revisions' | 'puts' | 'rounds' | 'writers'} name */
function positive(name) {
  const value = Number(flags[name]);
  if (!(value > 0)) refuse(usage, `--${name} is a number above 0, not ${flags[name]}.`);
  return value;
}

async function main() {
  if (parts.includes('flat')) {
    const found = await Promise.all(names.map((name) => child(`flat:${name}`)));
    names.forEach((name, i) => reportFlat(name, /** @type {Sample[]} */ (found[i])));
  }
  if (parts.includes('times')) {
    for (const name of names) reportTimes(name, /** @type {Round[]} */ (await child(`times:${name}`)));
  }
}

/** What a process of its own prints, line by line. @param {string} part @returns {Promise<any[]>} */
async function child(part) {
  const args = process.argv.slice(2).filter((arg) => !arg.startsWith('--part'));
  const running = spawn(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), ...args, '--part', part], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => running.once('close', resolve));
  const lines = [];
  for await (const line of createInterface({ input: running.stdout })) lines.push(JSON.parse(line));
  const code = await ended;
  if (code !== 0) throw new Error(`${part} ended with ${String(code)}`);
  return lines;
}

/** @param {string} part */
async function inFolder(part) {
  const [kind, name = ''] = part.split(':');
  const root = mkdtempSync(join(tmpdir(), 'varve-retain-'));
  try {
    await (kind === 'flat' ? flat : times)(name, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** @param {unknown} found */
function tell(found) {
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

/** Bytes of all files below a folder. @param {string} folder @returns {number} */
function bytesBelow(folder) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      sum += entry.isDirectory() ? bytesBelow(path) : statSync(path).size;
    } catch {
      // Gone between the two calls.
    }
  }
  return sum;
}

/** @param {string} name @param {string} root */
async function flat(name, root) {
  const retain = { revisions, everyMs: 2000 };
  const kv = await open(/** @type {string} */ (places[name]?.(join(root, 'store'))), {
    retain,
    times: true,
    cacheBytes: 8 << 20,
  });
  const value = 'v'.repeat(valueBytes - 8);
  let filled = 0;
  while (filled < 3 * revisions) {
    const some = Array.from({ length: 64 }, () =>
      kv.put(`key/${random.below(keyN)}`, value + String(filled++).padStart(8, '0')),
    );
    await Promise.all(some);
  }
  const began = performance.now();
  const endsAt = began + minutes * 60_000;
  const sampleMs = Math.max(1000, (minutes * 60_000) / 60);
  let written = 0;
  /** Puts that would have been due, and were not made. */
  let missed = 0;
  let sampled = 0;
  while (performance.now() < endsAt) {
    const late = Math.floor(((performance.now() - began) / 1000) * rate) - written - missed;
    const due = Math.min(64, late);
    missed += late - due;
    if (due < 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    await Promise.all(
      Array.from({ length: due }, () =>
        kv.put(`key/${random.below(keyN)}`, value + String(written++).padStart(8, '0')),
      ),
    );
    if (performance.now() - began < sampled * sampleMs) continue;
    sampled++;
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const { sizeInUse, retain: done, revision, compactRevision = 1 } = kv.stats();
    tell({
      second: (performance.now() - began) / 1000,
      puts: written,
      disk: bytesBelow(root),
      inUse: sizeInUse,
      kept: heapUsed + external,
      resident: rss,
      retained: revision - compactRevision + 1,
      tookMs: done?.last?.tookMs ?? 0,
      ...(done?.failure === undefined ? undefined : { failure: done.failure }),
    });
  }
  await kv.close();
}

/** @param {string} name @param {Sample[]} samples */
function reportFlat(name, samples) {
  const third = Math.floor(samples.length / 3);
  const [first, second, last] = [0, 1, 2].map((n) => samples.slice(n * third, n === 2 ? undefined : (n + 1) * third));
  const mean = (/** @type {Sample[] | undefined} */ some, /** @type {keyof Sample} */ field) =>
    (some ?? []).reduce((sum, sample) => sum + sample[field], 0) / (some?.length ?? 1);
  const most = (/** @type {Sample[] | undefined} */ some, /** @type {keyof Sample} */ field) =>
    Math.max(...(some ?? []).map((sample) => sample[field]));
  const mb = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
  const end = samples.at(-1);
  if (flags.samples) for (const sample of samples) process.stdout.write(`${name} ${JSON.stringify(sample)}\n`);
  process.stdout.write(
    `${name.padEnd(6)} ${((end?.second ?? 0) / 60).toFixed(1)} min, ${end?.puts} puts, ${mb((end?.puts ?? 0) * (valueBytes + 16))} MB of keys and values put, ${most(samples, 'retained')} revisions kept at the most\n`,
  );
  for (const [field, said] of /** @type {const} */ ([
    ['disk', 'on disk, MB'],
    ['kept', 'memory after a collection, MB'],
    ['resident', 'resident, MB'],
  ])) {
    const means = [first, second, last].map((some) => mean(some, field));
    const mosts = [first, second, last].map((some) => most(some, field));
    const [, b = 0, c = 0] = means;
    const isFlat =
      field === 'resident' || c <= b * 1.25 || (mosts[2] ?? 0) <= 1.25 * Math.max(mosts[0] ?? 0, mosts[1] ?? 0);
    const row = (/** @type {number[]} */ values) => values.map((bytes) => mb(bytes).padStart(7)).join('');
    process.stdout.write(
      `       ${said.padEnd(30)} of each third the mean: ${row(means)}, and the most: ${row(mosts)}   ${isFlat ? '' : 'NOT FLAT'}\n`,
    );
    if (!isFlat) process.exitCode = 1;
  }
}

/** @typedef {{ times: boolean, cpu: number, wall: number, bytes: number }} Round */

/** @param {string} name @param {string} root */
async function times(name, root) {
  for (let round = 0; round < rounds; round++) {
    for (const isOn of round % 2 === 0 ? [false, true] : [true, false]) {
      const path = join(root, `${round}${isOn}`, 'store');
      const location = /** @type {string} */ (places[name]?.(path));
      random = new Random(1);
      const kv = await open(location, { times: isOn });
      const value = 'v'.repeat(valueBytes);
      globalThis.gc?.();
      const cpu = process.cpuUsage();
      const began = performance.now();
      let left = puts;
      const writer = async () => {
        while (left-- > 0) await kv.put(`key/${random.below(keyN)}`, value);
      };
      await Promise.all(Array.from({ length: writers }, writer));
      const wall = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      await kv.defrag();
      const { sizeInUse } = kv.stats();
      await kv.close();
      rmSync(join(root, `${round}${isOn}`), { recursive: true, force: true });
      tell({ times: isOn, cpu: user + system, wall: wall * 1000, bytes: sizeInUse });
    }
  }
}

/** @param {string} name @param {Round[]} found */
function reportTimes(name, found) {
  const median = (/** @type {number[]} */ values) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const pairs = found
    .filter(({ times: isOn }) => isOn)
    .map((on, i) => [on, found.filter(({ times: isOn }) => !isOn)[i] ?? on]);
  const ratio = (/** @type {'cpu' | 'wall'} */ field) =>
    median(pairs.map(([on, off]) => (on?.[field] ?? 0) / (off?.[field] ?? 1)));
  const bytes = median(pairs.map(([on, off]) => ((on?.bytes ?? 0) - (off?.bytes ?? 0)) / puts));
  const off = median(found.filter(({ times: isOn }) => !isOn).map(({ cpu }) => cpu / puts));
  process.stdout.write(
    `${name.padEnd(6)} times: ${ratio('cpu').toFixed(2)} of the processor time of a put (${off.toFixed(1)} us), ${ratio('wall').toFixed(2)} of the time, ${bytes.toFixed(2)} bytes a revision\n`,
  );
}
