// @ts-check
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {ArrayLike<number>} sorted
 * @param {number} q the share below
 */
export function pct(sorted, q) {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** @param {readonly number[]} a */
export function sorted(a) {
  return Float64Array.from(a).toSorted();
}

/** @param {readonly number[]} a not empty */
export function median(a) {
  const s = a.toSorted((x, y) => x - y);
  const h = s.length >> 1;
  const high = s[h] ?? Number.NaN;
  return s.length % 2 ? high : ((s[h - 1] ?? Number.NaN) + high) / 2;
}

/**
 * @param {string} field of /proc/PID/status
 * @param {string | number} [pid]
 */
export function statusKB(field, pid = 'self') {
  try {
    const m = new RegExp('^' + field + ':\\s+(\\d+)', 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return m ? Number(m[1]) : 0;
  } catch {
    return 0;
  }
}

/**
 * @param {string} dir
 * @returns {number}
 */
export function diskMB(dir) {
  let sum = 0;
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    const p = join(dir, e.name);
    try {
      if (e.isDirectory()) sum += diskMB(p) * 1048576;
      else sum += statSync(p).blocks * 512;
    } catch {
      /* removed meanwhile */
    }
  }
  return sum / 1048576;
}
