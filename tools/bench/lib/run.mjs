// @ts-check
// Runs every chain of workloads on every peer, the peers one after another inside a chain (so that a ratio is taken
// between neighbours in time), each in a process of its own on a fresh folder.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));
export const goBinary = fileURLToPath(new URL('../go/bin/varvebench', import.meta.url));

const REST_MS = 1000;

/** @typedef {import('./contract.d.mts').Listed} Listed */
/** @typedef {import('./contract.d.mts').Options} Options */
/** @typedef {{ m: string, v: number, u: string }} Row */
/** @typedef {{ rows: Row[], failed: string[] }} Ran */

/**
 * @param {{ peers: readonly Listed[], chains: readonly string[], rounds: number, options: Options, limitSeconds: number,
 *   base?: string, log: (text: string) => void }} plan
 * @returns {Promise<import('./contract.d.mts').Measured>}
 */
export async function measure({ peers, chains, rounds, options, limitSeconds, base = tmpdir(), log }) {
  /** @type {import('./contract.d.mts').Samples} */
  const samples = {};
  /** @type {Record<string, string>} */
  const unit = {};
  /** @type {string[]} */
  const failures = [];
  const started = performance.now();
  const scratch = mkdtempSync(join(base, 'varve-bench-'));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const chain of chains) {
        const order = peers.filter((peer) => peer.chains.includes(chain));
        if (round % 2 === 1) order.reverse();
        for (const peer of order) {
          const dir = join(scratch, peer.name);
          mkdirSync(dir, { recursive: true });
          if (chain === 'durable') await settleDisk();
          const since = performance.now();
          const { rows, failed } = await runChain(peer, chain, dir, options, limitSeconds);
          rmSync(dir, { recursive: true, force: true });
          for (const failure of failed) failures.push(`${peer.name}, ${chain}, round ${round + 1}: ${failure}`);
          for (const { m, v, u } of rows) {
            unit[m] = u;
            ((samples[m] ??= {})[peer.name] ??= Array.from({ length: rounds }, () => null))[round] = v;
          }
          const took = ((performance.now() - since) / 1000).toFixed(1);
          log(
            `round ${round + 1}/${rounds}  ${chain.padEnd(8)} ${peer.name.padEnd(14)} ${took} s${failed.length > 0 ? '  FAILED' : ''}`,
          );
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { samples, unit, failures, seconds: (performance.now() - started) / 1000 };
}

/** What the peer before has left to be written, and its files that are removed, would be paid for by durable puts. */
async function settleDisk() {
  spawnSync('sync');
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
}

/**
 * @param {Listed} peer
 * @param {string} chain
 * @param {string} dir
 * @param {Options} options
 * @param {number} limitSeconds
 * @returns {Promise<Ran>}
 */
async function runChain(peer, chain, dir, options, limitSeconds) {
  const first = await step(peer, chain, { ...options, dir }, limitSeconds);
  const reopens = chain === 'load' && (peer.go || peer.chains.includes('reopen'));
  if (!reopens || first.failed.length > 0) return first;
  const capped = first.rows.find((row) => row.m === 'W1.capped');
  const second = await step(peer, 'reopen', { ...options, dir, ...(capped ? { loaded: capped.v } : {}) }, limitSeconds);
  return { rows: [...first.rows, ...second.rows], failed: second.failed };
}

/**
 * @param {Listed} peer
 * @param {string} chain
 * @param {Options & { dir: string, loaded?: number }} options
 * @param {number} limitSeconds
 */
function step(peer, chain, options, limitSeconds) {
  if (peer.go === undefined) {
    const flags = ['--expose-gc', '--max-old-space-size=8192'];
    return lines(process.execPath, [...flags, worker, peer.file ?? '', chain, JSON.stringify(options)], limitSeconds);
  }
  const names = /** @type {const} */ (['dir', 'n', 'hk', 'hr', 'win', 'wmax', 'cap']);
  const flags = names.flatMap((name) => [`-${name}`, String(options[name])]);
  return lines(goBinary, ['-mode', peer.go, '-chain', chain, ...flags], limitSeconds);
}

/**
 * Runs a program that prints one JSON object a line.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} limitSeconds
 * @returns {Promise<Ran>}
 */
function lines(command, args, limitSeconds) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err = (err + chunk).slice(-4000)));
    child.on('error', (error) => (err += error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const rows = out
        .split('\n')
        .filter((text) => text.startsWith('{'))
        .map((text) => JSON.parse(text));
      const why = err.split('\n').find((text) => /rror|panic|FATAL/.test(text)) ?? '';
      resolve({ rows, failed: code === 0 ? [] : [`ended with ${signal ?? code}. ${why}`.trim()] });
    });
  });
}
