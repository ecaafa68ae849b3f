// @ts-check
/** What every workload of worker.mjs needs: time, turns, and metrics as lines of JSON. */
import { statusKB } from './stats.mjs';

/** One of a list, whatever the number. @type {<T>(list: readonly T[], i: number) => T} */
export const at = (list, i) => /** @type {(typeof list)[number]} */ (list[i]);
export const now = () => performance.now();
/** @type {(m: string, v: number, u: string) => void} */
export const emit = (m, v, u) => void process.stdout.write(JSON.stringify({ m, v, u }) + '\n');
/** @type {() => Promise<void>} */
export const tick = () => new Promise((r) => setImmediate(r));

/**
 * @param {string} m
 * @param {number} base
 */
export function memory(m, base) {
  globalThis.gc?.();
  globalThis.gc?.();
  const mu = process.memoryUsage();
  emit(m + '.rssAnonMB', (statusKB('RssAnon') - base) / 1024, 'MB');
  emit(m + '.rssMB', statusKB('VmRSS') / 1024, 'MB');
  emit(m + '.heapMB', (mu.heapUsed + mu.external) / 1048576, 'MB');
}

export const cpu0 = () => process.cpuUsage();

/**
 * CPU (all threads) since c0 for each of n operations.
 * @param {string} m
 * @param {NodeJS.CpuUsage} c0
 * @param {number} n
 */
export function cpuPer(m, c0, n) {
  const c = process.cpuUsage(c0);
  emit(m + '.cpu', (c.user + c.system) / n, 'us/op');
}

/**
 * @param {() => boolean} f
 * @param {number} ms
 */
export async function settle(f, ms) {
  const t = now();
  while (!f() && now() - t < ms) await tick();
}
