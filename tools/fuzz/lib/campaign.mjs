// @ts-check
/** Many hostile stores of one kind, one after another, and what became of them. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ourFile, ourFolder, vectorFiles } from './bases.mjs';
import { mutate } from './bolt-mutations.mjs';
import { makeShape } from './bolt-shapes.mjs';
import { lookAtCanaries, placeCanaries } from './canaries.mjs';
import { makeFolder } from './level-hostile.mjs';
import { Random } from '../../run/random.mjs';
import { writeFile } from './sparse-file.mjs';
import { WatchedChild } from './watched-child.mjs';

/**
 * @typedef {'bolt' | 'snapshot' | 'level'} Kind
 * @typedef {{ seed: number, what: string, fault: string }} Fault
 * @typedef {{ files: number, faults: Fault[], outcomes: Map<string, number>, slowestMs: number, slowest: string, largestPeak: number }} Result
 */

export const limitMs = 3000;
const growth = 512 << 20;
const mostAllowed = 2 ** 30;

/**
 * @param {Kind} kind
 * @param {number} files
 * @param {number} seed of the first; the next ones have the next numbers
 * @param {(fault: Fault) => void} onFault
 * @returns {Promise<Result>}
 */
export async function campaign(kind, files, seed, onFault) {
  const top = mkdtempSync(join(tmpdir(), 'varve-fuzz-'));
  const child = new WatchedChild(limitMs, growth);
  /** @type {Result} */
  const result = { files, faults: [], outcomes: new Map(), slowestMs: 0, slowest: '', largestPeak: 0 };
  try {
    const make = await maker(kind, top);
    for (let number = seed; number < seed + files; number += 1) {
      const folder = join(top, 'store');
      const outside = join(top, 'outside');
      for (const path of [folder, outside]) rmSync(path, { recursive: true, force: true });
      mkdirSync(folder);
      placeCanaries(outside);
      const path = join(folder, 'hostile');
      const what = make(path, outside, new Random(number));
      const before = lookAtCanaries(outside);
      const allowed = kind === 'level' ? 0 : Math.min(statSync(path).size, mostAllowed);
      const { ended, peak, fault } = await child.run({ kind, folder, path }, allowed);
      const touched = lookAtCanaries(outside) === before ? undefined : 'something outside of the folder was changed';
      note(result, ended, peak, number);
      const found = fault ?? touched;
      if (found === undefined) continue;
      const entry = { seed: number, what, fault: found };
      result.faults.push(entry);
      onFault(entry);
    }
  } finally {
    child.end();
    rmSync(top, { recursive: true, force: true });
  }
  return result;
}

/** @param {Result} result @param {readonly import('./child.mjs').Ended[]} ended @param {number} peak @param {number} seed */
function note(result, ended, peak, seed) {
  result.largestPeak = Math.max(result.largestPeak, peak);
  for (const { call, outcome, ms } of ended) {
    const short = outcome.startsWith('answered') ? 'answered' : outcome.startsWith('RAW') ? 'RAW' : outcome;
    result.outcomes.set(short, (result.outcomes.get(short) ?? 0) + 1);
    if (ms <= result.slowestMs) continue;
    result.slowestMs = ms;
    result.slowest = `${call} of ${seed}`;
  }
}

/** @param {Kind} kind @param {string} top @returns {Promise<(path: string, outside: string, random: Random) => string>} */
async function maker(kind, top) {
  if (kind === 'level') {
    const base = await ourFolder(join(top, 'base'));
    return (path, outside, random) => makeFolder(base, path, outside, random);
  }
  const own = await ourFile(top);
  const bases = vectorFiles();
  return (path, _outside, random) => {
    const { what, file } = random.chance(0.4)
      ? makeShape(random)
      : mutate(random.chance(0.4) ? own : random.pick(bases), random);
    const isSmall = file.size < 64 << 20;
    writeFile(path, kind === 'snapshot' && isSmall ? hashed(file, random.chance(0.8)) : file);
    return what;
  };
}

/** The file with a hash behind it. @param {import('./sparse-file.mjs').MadeFile} file @param {boolean} right */
function hashed(file, right) {
  const bytes = Buffer.alloc(Math.ceil(file.size / 512) * 512);
  for (const [at, piece] of file.pieces) bytes.set(piece.subarray(0, Math.max(0, bytes.length - at)), at);
  const hash = createHash('sha256').update(bytes).digest();
  if (!right) hash.writeUInt8(hash.readUInt8(0) ^ 1, 0);
  return { pieces: /** @type {const} */ ([[0, Buffer.concat([bytes, hash])]]), size: bytes.length + 32 };
}
