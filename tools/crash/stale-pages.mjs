// @ts-check
/**
 * Files with one page of an earlier commit, one flipped bit, cut short or torn: is anything wrong ever read as data?
 *
 *   node tools/crash/stale-pages.mjs [--images 3000] [--seed 1] [--commits 150] [--verbose]
 *
 * Each image is opened, read, written to and opened again through kv on the file engine, by a process of its own that has
 * a minute. Its answers are compared with those of the store that wrote the history.
 *
 *   detected   a coded error
 *   same       the state that it was made of: the damage lies where nothing is read
 *   earlier    exactly one earlier commit, and a warning says so; or, in a torn copy, exactly one commit
 *   meta       excepted: an older meta page is what a crash before its commit leaves, so the state is the one before
 *   silent     anything else that was answered: a fault
 *   hang       no answer in time, or the process died: a fault
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf, wholeNumber } from '../run/flags.mjs';
import { randomOf } from '../run/random.mjs';
import { Looker } from './lib/looker.mjs';
import { imageOf, kinds } from './lib/stale-images.mjs';
import { writeHistory } from './lib/store-versions.mjs';

const usage = `node tools/crash/stale-pages.mjs [--images 3000] [--seed 1] [--commits 150] [--verbose]
  opens damaged copies of files; ends with 1 when damage is read as data, or hangs`;
const deadlineMs = 60_000;
const imagesAHistory = 500;
const columns = ['detected', 'same', 'earlier', 'meta', 'silent', 'hang'];

const { flags: values } = flagsOf(usage, {
  images: { type: 'string', default: '3000' },
  seed: { type: 'string', default: '1' },
  commits: { type: 'string', default: '150' },
  verbose: { type: 'boolean', default: false },
});
const images = wholeNumber(usage, 'images', values.images, 1);
const seed = wholeNumber(usage, 'seed', values.seed, Number.MIN_SAFE_INTEGER);
const commits = wholeNumber(usage, 'commits', values.commits, 21);

/** @typedef {import('./lib/store-versions.mjs').State} State */

/**
 * @param {readonly State[]} states
 * @param {import('./lib/stale-images.mjs').Image} image
 * @param {Awaited<ReturnType<Looker['look']>>} shown
 */
function judge(states, image, shown) {
  if (shown === 'hang' || shown === 'died') return 'hang';
  if ('code' in shown) return shown.code === 'UNTYPED' ? 'silent' : 'detected';
  const is = (/** @type {number} */ index) =>
    states[index]?.revision === shown.revision && states[index]?.answer === shown.answer;
  if (image.kind === 'torn copy') return image.allowed.some(is) ? 'earlier' : 'silent';
  if (is(image.present)) return 'same';
  if (!image.meta) return 'silent';
  if (shown.warnings.length > 0)
    return states.some((_, index) => index < image.present && is(index)) ? 'earlier' : 'silent';
  return image.kind === 'stale page' && is(before(states, image.present)) ? 'meta' : 'silent';
}

/**
 * Index of the state before the newest commit of a state: a call that changes nothing makes no commit.
 * @param {readonly State[]} states
 * @param {number} index
 */
function before(states, index) {
  const newest = states[index]?.image;
  return states.findLastIndex((state, at) => at < index && newest !== undefined && !state.image.equals(newest));
}

const folder = mkdtempSync(join(tmpdir(), 'varve-stale-'));
const looker = new Looker(deadlineMs);
/** @type {Map<string, number>} */
const counts = new Map();
let slowestMs = 0;
try {
  const random = randomOf(seed);
  /** @type {State[]} */
  let states = [];
  for (let number = 0; number < images; number++) {
    if (number % imagesAHistory === 0) {
      states = await writeHistory(join(folder, `history-${number}.db`), seed * 1000 + number, commits);
    }
    const image = imageOf(states, kinds[number % kinds.length] ?? '', random);
    const path = join(folder, 'image.db');
    writeFileSync(path, image.bytes);
    const start = performance.now();
    const shown = await looker.look(path);
    slowestMs = Math.max(slowestMs, performance.now() - start);
    const verdict = judge(states, image, shown);
    if (verdict === 'silent' || verdict === 'hang' || values.verbose) {
      console.log(
        `${number} ${image.kind}, ${image.what}, made of state ${image.present}: ${verdict} ${JSON.stringify(shown)}`,
      );
    }
    const cell = `${image.kind} ${verdict}`;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
} finally {
  looker.end();
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${images} images, seed ${seed}, ${commits} commits a history; slowest answer ${slowestMs.toFixed(0)} ms`);
console.log(['', ...columns].map((name) => name.padStart(12)).join(''));
for (const kind of kinds) {
  const row = columns.map((name) => String(counts.get(`${kind} ${name}`) ?? 0));
  console.log([kind, ...row].map((text) => text.padStart(12)).join(''));
}
const faults = [...counts].filter(([cell]) => /silent|hang/.test(cell));
if (faults.length > 0) process.exitCode = 1;
