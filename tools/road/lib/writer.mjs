// @ts-check
/**
 * Who writes to the source meanwhile, and what came of each write.
 *
 * RDW1  Every value that is written is another one, so that what is found later is known to be of this write.
 * RDW2  A write is never made twice: done at a revision, surely not done, or nobody knows.
 * RDW3  So many a second on the whole: what an outage held up is made afterwards, some at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { put } from '@varve/etcd';

/** Writes under way at once, at the most. */
const mostUnderWay = 48;
const hotKeys = 100;

/** @param {number} i */
const keyOf = (i) => `k/${String(i).padStart(7, '0')}`;

/**
 * @typedef {object} Written
 * @property {ReadonlyMap<string, string | undefined>} changes by key; `undefined`: deleted
 * @property {number | undefined} [revision] where it was done; not known of a deletion that found nothing
 * @property {'done' | 'refused' | 'unknown'} outcome
 */

export class Writer {
  /** @type {Written[]} */
  written = [];
  #kv;
  #keys;
  #random;
  #bigOps;

  /**
   * @param {import('@varve/etcd').Kv} kv with writes in any order
   * @param {{ keys: number, random: import('../../run/random.mjs').Random, bigOps: number }} options bigOps: puts of the largest transactions
   */
  constructor(kv, { keys, random, bigOps }) {
    this.#kv = kv;
    this.#keys = keys;
    this.#random = random;
    this.#bigOps = bigOps;
  }

  /** What is there before anything is mirrored. */
  async load() {
    const all = Array.from({ length: this.#keys }, (_, i) => i);
    const one = async () => {
      for (let part = all.splice(0, 100); part.length > 0; part = all.splice(0, 100))
        await this.#kv.txn({ then: part.map((i) => put(keyOf(i), `loaded ${i} ${'.'.repeat(60)}`)) });
    };
    await Promise.all(Array.from({ length: 8 }, one));
  }

  /**
   * Returns how long it took, in milliseconds.
   * @param {number} count @param {number} perSecond
   * @param {(begun: number) => Promise<void>} step told how many were begun; the next one waits for it
   */
  async run(count, perSecond, step) {
    const began = performance.now();
    /** @type {Set<Promise<void>>} */
    const underWay = new Set();
    for (let i = 0; i < count; i++) {
      const early = began + (i * 1000) / perSecond - performance.now();
      if (early > 1) await pause(early);
      while (underWay.size >= mostUnderWay) await Promise.race(underWay);
      const work = this.#write(i).finally(() => underWay.delete(work));
      // It is awaited below; until then it is not to be reported as nobody's.
      work.catch(() => undefined);
      underWay.add(work);
      await step(i + 1);
    }
    await Promise.all(underWay);
    return performance.now() - began;
  }

  /** @param {number} i */
  async #write(i) {
    const kind = this.#random.next();
    const several = kind < 0.002 ? this.#bigOps : kind < 0.06 ? this.#random.between(2, 10) : 1;
    const isDeletion = kind > 0.92;
    /** @type {Map<string, string | undefined>} */
    const changes = new Map();
    while (changes.size < several) {
      const key = keyOf(this.#random.below(this.#random.chance(0.3) ? Math.min(hotKeys, this.#keys) : this.#keys));
      changes.set(key, isDeletion ? undefined : `${i} ${changes.size} ${'.'.repeat(40)}`);
    }
    try {
      const revision = await (isDeletion ? this.#remove(changes) : this.#put(changes));
      this.written.push({ changes, revision, outcome: 'done' });
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (Object(error));
      if (code !== 'KV_UNKNOWN_OUTCOME' && code !== 'KV_UNAVAILABLE') throw error;
      this.written.push({ changes, outcome: code === 'KV_UNAVAILABLE' ? 'refused' : 'unknown' });
    }
  }

  /** @param {ReadonlyMap<string, string | undefined>} changes @returns {Promise<number | undefined>} */
  async #remove(changes) {
    const [key = ''] = changes.keys();
    const { revision, deleted } = await this.#kv.delete(key);
    // What deletes nothing makes no revision.
    return deleted === 0 ? undefined : revision;
  }

  /** @param {ReadonlyMap<string, string | undefined>} changes @returns {Promise<number>} */
  async #put(changes) {
    const ops = [...changes].map(([key, value]) => put(key, value ?? ''));
    const [only] = changes;
    if (only === undefined || ops.length > 1) return (await this.#kv.txn({ then: ops })).revision;
    return (await this.#kv.put(only[0], only[1] ?? '')).revision;
  }
}
