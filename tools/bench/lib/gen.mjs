// @ts-check
// The seeded material every peer gets: keys, values, orders. go/main.go has the same.
export const N_VALUES = 1024;

/** mulberry32 */
export class Prng {
  /** @param {number} seed */
  constructor(seed) {
    this.a = seed | 0;
  }
  u32() {
    this.a = (this.a + 0x6d2b79f5) | 0;
    let t = this.a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** @param {number} n */
  below(n) {
    return Math.floor((this.u32() * n) / 4294967296);
  }
}

/** @param {number} size */
export function makeValues(size) {
  const r = new Prng(42);
  const out = Array.from({ length: N_VALUES }, () => Buffer.alloc(size));
  for (const b of out) {
    for (let j = 0; j < size; j += 4) {
      const x = r.u32();
      for (let k = 0; k < 4 && j + k < size; k++) b[j + k] = (x >>> (8 * k)) & 255;
    }
  }
  return out;
}

export const P = {
  load: '/bench/k/',
  hist: '/bench/h/',
  gen: '/bench/g/',
  dur: '/bench/d/',
  watch: '/bench/w/',
  fg: '/bench/f/',
  rand: '/bench/r/',
  stop: '/bench/l/',
};

const zeros = '00000000000000000000000';
/**
 * 32 bytes: a 9-byte prefix and 23 decimal digits, in a buffer of its own.
 * @param {string} prefix
 * @param {number} i
 */
export function key(prefix, i) {
  const d = '' + i;
  return Buffer.from(prefix + zeros.slice(d.length) + d, 'latin1');
}

/** @param {number} m */
export function permutation(m) {
  const r = new Prng(99);
  const p = new Uint32Array(m);
  for (let i = 0; i < m; i++) p[i] = i;
  for (let i = m - 1; i > 0; i--) {
    const j = r.below(i + 1);
    const t = p[i] ?? 0;
    p[i] = p[j] ?? 0;
    p[j] = t;
  }
  return p;
}
