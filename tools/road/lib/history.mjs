// @ts-check
/**
 * A store with a past: transactions of several keys, deletions, keys born again, leases, and a part that is compacted.
 *
 * RDH1  The same seed makes the same history. Leases are of hours, so that none runs out while it is looked at.
 */
import { put, remove } from '@varve/kv';
import { Random } from '../../run/random.mjs';

/** @typedef {import('@varve/kv').Kv<Uint8Array, Uint8Array>} ByteKv */

const keyCount = 40;
const ttls = [3600, 7200, 100_000];

/** Keys of all kinds of bytes, in groups that a prefix names. @param {number} i */
const keyOf = (i) => Uint8Array.of(i % 3, i * 6, 255 - i);

/**
 * @param {ByteKv} kv
 * @param {{ steps: number, seed: number }} size
 * @returns {Promise<string[]>} its leases
 */
export async function grow(kv, { steps, seed }) {
  const random = new Random(seed);
  const leases = [];
  for (const ttl of ttls) leases.push((await kv.lease({ ttl })).id);
  const gone = await kv.lease({ ttl: 500 });
  for (let step = 0; step < steps; step++) {
    await change(kv, step, leases, random);
    if (step === Math.floor(steps / 4)) await kv.put(keyOf(1), Uint8Array.of(1), { lease: gone });
    if (step === Math.floor(steps / 3)) await gone.revoke();
    if (step === Math.floor(steps / 2)) {
      const { revision } = await kv.status();
      await kv.compact(revision - 20, { physical: true });
    }
  }
  // One without keys, and each of the others with one.
  leases.push((await kv.lease({ ttl: 9999 })).id);
  for (const [i, lease] of leases.slice(0, -1).entries())
    await kv.put(Uint8Array.of(9, i), Uint8Array.of(i), { lease });
  return leases;
}

/** @param {ByteKv} kv @param {number} step @param {readonly string[]} leases @param {Random} random */
async function change(kv, step, leases, random) {
  const kind = random.next();
  if (kind < 0.1) return void (await kv.delete(keyOf(random.below(keyCount))));
  if (kind < 0.13) return void (await kv.delete({ prefix: Uint8Array.of(random.below(3), random.below(16) * 16) }));
  /** @type {Map<number, import('@varve/kv').Op<Uint8Array, Uint8Array>>} */
  const ops = new Map();
  for (let i = kind < 0.4 ? random.between(2, 8) : 1; i > 0; i--) {
    const index = random.below(keyCount);
    const key = keyOf(index);
    const value = new Uint8Array(random.chance(0.05) ? 5000 : random.below(30)).fill(step);
    const lease = random.chance(0.2) ? { lease: random.pick(leases) } : {};
    ops.set(index, random.chance(0.1) ? remove(key) : put(key, value, lease));
  }
  await kv.txn({ then: [...ops.values()] });
}
