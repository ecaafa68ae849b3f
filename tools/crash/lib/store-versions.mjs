// @ts-check
/**
 * A history of one store on the file engine, with the whole file and the true answers after every commit.
 *
 * SV1  Written as a user would, through kv: puts, deletes, transactions, small and large values, leases of names with
 *     common prefixes, compactions.
 * SV2  What is true of a state was answered by the store that wrote it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bytes, file, open } from '@varve/kv';
import { randomOf } from '../../run/random.mjs';

export const PAGE = 4096;

/**
 * @typedef {object} State
 * @property {Buffer} image the file's bytes, up to its high-water mark
 * @property {number} revision
 * @property {string} answer digest of every live key with its revisions
 */

/** @typedef {() => number} Random a number from 0 up to 1 */

/**
 * @param {string} path where the store is made
 * @param {number} seed
 * @param {number} commits
 * @returns {Promise<State[]>}
 */
export async function writeHistory(path, seed, commits) {
  const random = randomOf(seed);
  const kv = await open(file(path), { value: bytes });
  /** @type {State[]} */
  const states = [];
  try {
    for (let commit = 0; commit < commits; commit++) {
      await change(kv, random, commit);
      if (commit % 40 === 39) await kv.compact(kv.revision - 20, { physical: true });
      states.push({ image: usedBytes(path), revision: kv.revision, answer: await answerOf(kv) });
    }
  } finally {
    await kv.close();
  }
  return states;
}

/**
 * @param {import('@varve/kv').EmbeddedKv<string, Uint8Array>} kv
 * @param {Random} random
 * @param {number} commit
 */
async function change(kv, random, commit) {
  const pick = (/** @type {number} */ limit) => Math.floor(random() * limit);
  const key = () => `${['user', 'order', 'a/long/folder/of/things'][pick(3)]}/${pick(150)}`;
  const value = () => Buffer.alloc(random() < 0.06 ? 3000 + pick(9000) : pick(400), `${commit} `);
  const kind = random();
  if (kind < 0.5) await kv.put(key(), value());
  else if (kind < 0.6) await kv.delete(key());
  else {
    await kv.write((section) => {
      for (let i = pick(20); i >= 0; i--) {
        if (random() < 0.2) section.delete(key());
        else section.put(key(), value());
      }
    });
  }
}

/** @param {string} path */
function usedBytes(path) {
  const whole = readFileSync(path);
  const highWater = Math.max(Number(whole.readBigUInt64LE(56)), Number(whole.readBigUInt64LE(PAGE + 56)));
  return Buffer.from(whole.subarray(0, highWater * PAGE));
}

/**
 * Digest of every live key, its value and its revisions.
 * @param {import('@varve/kv').EmbeddedKv<string, Uint8Array>} kv
 */
export async function answerOf(kv) {
  const hash = createHash('sha256');
  for await (const { key, value, version, createRevision, modRevision } of kv.list({})) {
    hash.update(`${key} ${version} ${createRevision} ${modRevision} ${value.length}:`).update(value);
  }
  return hash.digest('hex').slice(0, 16);
}
