// @ts-check
/** Random operations, by seed: the same seed gives the same ones. Some are wrong on purpose. */

/** @typedef {Record<string, any>} Json */

/** @param {number} seed @returns {() => number} from 0 up to, and without, 1 */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const KEYS = ['a', 'a\0', 'aa', 'b', 'b\xff', 'c', 'd', 'dd', 'e', '\0', '\xff', '\xff\xff'];
const LEASES = [1, 2, 3, 77, '9223372036854775807', '-5'];

export class RandomOps {
  #random;
  #count = 0;
  /**
   * Whether the transaction may delete "from a key on". Then none of its puts needs its key: etcd 3.4 dies of a put whose key such a
   * deletion has taken (S74).
   */
  #fromKeys = false;

  /** @param {number} seed */
  constructor(seed) {
    this.#random = randomOf(seed);
  }

  /**
   * @param {number} revision the present one
   * @returns {{ op: string, req: Json }}
   */
  next(revision) {
    const dice = this.#below(100);
    if (dice < 34) return { op: 'put', req: this.#put() };
    if (dice < 58) return { op: 'range', req: this.#range(revision) };
    if (dice < 66) return { op: 'deleteRange', req: this.#delete() };
    if (dice < 86) {
      this.#fromKeys = this.#random() < 0.2;
      const req = this.#txn(revision, 0);
      this.#fromKeys = false;
      return { op: 'txn', req };
    }
    if (dice < 88) return { op: 'compact', req: { revision: revision - this.#below(12) + 1, physical: true } };
    if (dice < 92) return { op: 'hashKV', req: this.#maybe(0.5, { revision: revision - this.#below(10) + 1 }) };
    if (dice < 95)
      return { op: 'leaseGrant', req: { ID: this.#pick(LEASES), TTL: this.#pick([6000, 36_000, 9_000_000_001]) } };
    if (dice < 97) return { op: 'leaseRevoke', req: { ID: this.#pick(LEASES) } };
    if (dice < 98) return { op: 'leaseTtl', req: { ID: this.#pick(LEASES), keys: true } };
    return { op: 'leaseList', req: {} };
  }

  /** @param {number} limit */
  #below(limit) {
    return Math.floor(this.#random() * limit);
  }

  /** @template T @param {readonly T[]} items @returns {T} */
  #pick(items) {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** @param {number} chance @param {Json} more @returns {Json} */
  #maybe(chance, more) {
    return this.#random() < chance ? more : {};
  }

  #key() {
    return this.#random() < 0.02 ? {} : { key: this.#pick(KEYS) };
  }

  #end() {
    return this.#random() < 0.5 ? {} : { rangeEnd: this.#pick([...KEYS, '\0', '\0']) };
  }

  #put() {
    return {
      ...this.#key(),
      ...this.#maybe(0.9, { value: `v${this.#random() < 0.5 ? this.#below(5) : this.#count++}` }),
      ...this.#maybe(0.2, { lease: this.#pick(LEASES) }),
      ...this.#maybe(0.3, { prevKv: true }),
      ...(this.#fromKeys
        ? {}
        : { ...this.#maybe(0.08, { ignoreValue: true }), ...this.#maybe(0.08, { ignoreLease: true }) }),
    };
  }

  /** @param {number} revision */
  #range(revision) {
    return {
      ...this.#key(),
      ...this.#end(),
      ...this.#maybe(0.3, { limit: this.#below(6) - 1 }),
      ...this.#maybe(0.3, { revision: revision - this.#below(20) + 2 }),
      ...this.#maybe(0.2, { sortOrder: this.#below(3), sortTarget: this.#below(5) }),
      ...this.#maybe(0.2, { serializable: true }),
      ...this.#maybe(0.1, { keysOnly: true }),
      ...this.#maybe(0.1, { countOnly: true }),
      ...this.#maybe(0.05, { minModRevision: revision - this.#below(10) }),
      ...this.#maybe(0.05, { maxModRevision: revision - this.#below(10) }),
      ...this.#maybe(0.05, { minCreateRevision: revision - this.#below(10) }),
      ...this.#maybe(0.05, { maxCreateRevision: revision - this.#below(10) }),
    };
  }

  #delete() {
    return { ...this.#key(), ...this.#end(), ...this.#maybe(0.5, { prevKv: true }) };
  }

  /** @param {number} revision @param {number} depth @returns {Json} */
  #txn(revision, depth) {
    const many = (/** @type {() => Json} */ one) => Array.from({ length: this.#below(4) }, one);
    return {
      compare: many(() => this.#compare(revision)),
      success: many(() => this.#op(revision, depth)),
      failure: many(() => this.#op(revision, depth)),
    };
  }

  /** @param {number} revision @param {number} depth @returns {Json} */
  #op(revision, depth) {
    const dice = this.#below(depth < 2 ? 100 : 90);
    if (dice < 40) return { requestPut: this.#put() };
    if (dice < 70) return { requestRange: this.#range(revision) };
    if (dice < 90) {
      const request = this.#delete();
      return { requestDeleteRange: request['rangeEnd'] === '\0' && !this.#fromKeys ? { key: 'e' } : request };
    }
    return { requestTxn: this.#txn(revision, depth + 1) };
  }

  /** @param {number} revision @returns {Json} */
  #compare(revision) {
    const target = this.#below(5);
    const near = revision - this.#below(10);
    const operands = [
      { version: this.#below(4) },
      { createRevision: near },
      { modRevision: near },
      { value: `v${this.#below(5)}` },
      { lease: this.#pick([0, ...LEASES]) },
    ];
    return { ...this.#key(), ...this.#maybe(0.2, this.#end()), target, result: this.#below(4), ...operands[target] };
  }
}
