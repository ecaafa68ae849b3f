// @ts-check
/**
 * What transaction number SEQ of a seed does: a function of both and of nothing else, so that a workload can begin anywhere.
 *
 * PLN1  40 keys, written again and again, or with `grow` a new key each time. Half of the transactions have 2 to 4 keys,
 *     each key once; 15 % of the changes delete.
 * PLN2  No two values are equal: each says which transaction wrote it, from its first byte to its last.
 */
import { createHash } from 'node:crypto';
import { randomOf } from '../../run/random.mjs';

const keyN = 40;
const deletes = 0.15;
const smallest = 32;
const largest = 6000;

/** @typedef {{ readonly key: string, readonly value: Uint8Array | undefined, readonly hash: string }} Write a value of undefined deletes */

/**
 * @param {number} seed
 * @param {number} seq
 * @param {boolean} grow
 * @returns {Write[]}
 */
export function transactionOf(seed, seq, grow) {
  const random = randomOf(createHash('sha256').update(`${seed} ${seq}`).digest().readUInt32LE());
  const count = random() < 0.5 ? 1 : 2 + Math.floor(random() * 3);
  /** @type {Map<string, Write>} */
  const writes = new Map();
  while (writes.size < count) {
    const key = grow ? `new/${seq}-${writes.size}` : `k/${Math.floor(random() * keyN)}`;
    const deleted = random() < deletes && !grow;
    const length = smallest + Math.floor(random() ** 3 * (largest - smallest));
    const value = deleted ? undefined : Buffer.alloc(length, `${seq}.${writes.size}:${seed};`);
    if (!writes.has(key)) writes.set(key, { key, value, hash: value === undefined ? '-' : hashOf(value) });
  }
  return [...writes.values()];
}

/**
 * First 16 hex digits of the SHA-256.
 * @param {Uint8Array} value
 */
export function hashOf(value) {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}
