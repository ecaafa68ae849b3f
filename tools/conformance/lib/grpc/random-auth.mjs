// @ts-check
/**
 * Random calls of users, roles and tokens, by seed, with keys that they may and may not touch. Some are wrong on purpose.
 *
 * Left out is what 3.4 lets through, or stores, and the server does not (docs/spec/server-api.md 14): from there on the two
 * would not be in the same state any more. That is: nested transactions, `prev_kv` and leases of puts inside one, permissions over ranges that no key is in,
 * two permissions with one key, and calls for leases, compactions and alarms without a user.
 */
import { randomOf } from './random-ops.mjs';

/** @typedef {Record<string, any>} Json */
/** @typedef {{ readonly op: string, readonly req: Json, readonly as: string, readonly keep?: string | undefined }} Call `as`: a slot of a token, `nobody` or `wrong`; `keep`: the slot that the answer's token goes to */

const USERS = ['root', 'u1', 'u2', 'u3', 'unknown'];
const ROLES = ['r1', 'r2', 'r3', 'root', 'none'];
const SLOTS = ['s1', 's2', 's3', 's4'];
const KEYS = ['a', 'aa', 'b', 'c', 'd', 'e', 'k', 'kk', 'l', 'm', '\xff'];
/** One for each key. */
const RANGES = [
  { key: 'a' },
  { key: 'aa', rangeEnd: 'b' },
  { key: 'b', rangeEnd: 'd' },
  { key: 'd', rangeEnd: 'e' },
  { key: 'k', rangeEnd: 'l' },
  { key: 'l', rangeEnd: '\0' },
  { key: '\0', rangeEnd: 'a' },
  { key: 'e' },
];
const LEASES = [1, 2, 3];

export class RandomAuth {
  #random;
  #count = 0;
  /** The passwords that were set. @type {Map<string, string>} */
  #passwords = new Map();
  /** @type {Call[]} */
  #first = [
    ...['root', 'u1', 'u2', 'u3'].map((name) => this.#nobodys('userAdd', { name, password: 'p0' })),
    ...['r1', 'r2', 'r3'].map((name) => this.#nobodys('roleAdd', { name })),
    ...RANGES.map((perm, at) =>
      this.#nobodys('roleGrantPermission', { name: `r${(at % 3) + 1}`, perm: { permType: at % 3, ...perm } }),
    ),
    ...['u1 r1', 'u1 r2', 'u2 r2', 'u2 r3', 'u3 r1', 'u3 r3', 'root root'].map((grant) => {
      const [user, role] = grant.split(' ');
      return this.#nobodys('userGrantRole', { user, role });
    }),
    this.#nobodys('authEnable', {}),
  ];

  /** @param {number} seed */
  constructor(seed) {
    this.#random = randomOf(seed);
  }

  /**
   * @param {boolean} enabled whether auth is on
   * @param {ReadonlySet<string>} slots that hold a token
   * @returns {Call}
   */
  next(enabled, slots) {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    if (!enabled) return this.#whileOff();
    if (!slots.has('root')) return this.#login('root');
    const dice = this.#below(100);
    const as = this.#caller(slots);
    if (dice < 14) {
      return this.#login(this.#pick(USERS));
    }
    if (dice < 24) return { op: 'range', req: this.#range(), as };
    if (dice < 36) return { op: 'put', req: this.#put(true), as };
    if (dice < 42) return { op: 'deleteRange', req: { ...this.#range(), ...this.#maybe(0.3, { prevKv: true }) }, as };
    if (dice < 52) return { op: 'txn', req: this.#txn(), as };
    if (dice < 56) return this.#lease(slots);
    if (dice < 57) return { op: this.#random() < 0.5 ? 'authDisable' : 'authEnable', req: {}, as };
    return { ...this.#change(), as: this.#random() < 0.6 ? 'root' : as };
  }

  /** Off, nobody shows a token: 3.4 refuses those that it does not know. @returns {Call} */
  #whileOff() {
    const dice = this.#below(10);
    const as = 'nobody';
    if (dice < 1) return { op: 'authenticate', req: { name: 'root', password: 'x' }, as };
    if (dice < 3) return { op: 'userAdd', req: this.#withPassword('root'), as };
    if (dice < 5) return { op: 'userGrantRole', req: { user: 'root', role: 'root' }, as };
    if (dice < 7) return { op: 'authEnable', req: {}, as };
    return { ...this.#change(), as };
  }

  /** What a call that did not fail has left behind. @param {Call} call */
  done({ op, req }) {
    if (op === 'userAdd' || op === 'userChangePassword') this.#passwords.set(req['name'], req['password'] ?? '');
  }

  /** @param {string} name @returns {Call} */
  #login(name) {
    const password = this.#random() < 0.85 ? (this.#passwords.get(name) ?? '') : 'wrong';
    const keep = name === 'root' ? name : this.#pick(SLOTS);
    return this.#nobodys('authenticate', { name, password }, keep);
  }

  /** @param {string} op @param {Json} req @param {string} [keep] @returns {Call} */
  #nobodys(op, req, keep) {
    return { op, req, as: 'nobody', keep };
  }

  #change() {
    const [name, role] = [this.#pick(USERS), this.#pick(ROLES)];
    const { key, rangeEnd } = this.#pick(RANGES);
    const range = rangeEnd === undefined ? { key } : { key, rangeEnd };
    switch (this.#below(16)) {
      case 0:
      case 1:
        return { op: 'userAdd', req: this.#withPassword(this.#random() < 0.05 ? '' : name) };
      case 2:
        return { op: 'userAdd', req: { name: name === 'root' ? 'u1' : name, options: { noPassword: true } } };
      case 3:
        return { op: this.#random() < 0.5 ? 'userDelete' : 'userGet', req: { name } };
      case 4:
        return { op: 'userChangePassword', req: this.#withPassword(name) };
      case 5:
        return { op: 'userGet', req: { name } };
      case 6:
        return { op: 'userList', req: {} };
      case 7:
      case 8:
        return { op: 'userGrantRole', req: { user: name, role } };
      case 9:
        return { op: 'userRevokeRole', req: { name, role } };
      case 10:
        return { op: 'roleAdd', req: { name: this.#random() < 0.05 ? '' : role } };
      case 11:
        return this.#random() < 0.3 ? { op: 'roleDelete', req: { role } } : { op: 'roleGet', req: { role } };
      case 12:
        return { op: 'roleList', req: {} };
      case 13:
        return { op: 'roleRevokePermission', req: { role, ...range } };
      default:
        return { op: 'roleGrantPermission', req: { name: role, perm: { permType: this.#below(3), ...range } } };
    }
  }

  /** @param {string} name */
  #withPassword(name) {
    return { name, password: this.#random() < 0.1 ? '' : `p${this.#below(3)}` };
  }

  /** @param {ReadonlySet<string>} slots @returns {Call} */
  #lease(slots) {
    const as = slots.has('root') ? 'root' : 'wrong';
    if (as === 'wrong') return { op: 'leaseRevoke', req: { ID: 1 }, as };
    if (this.#random() < 0.6) return { op: 'leaseGrant', req: { ID: this.#pick(LEASES), TTL: 3600 }, as };
    const live = [...slots];
    return { op: 'leaseRevoke', req: { ID: this.#pick(LEASES) }, as: live.length > 0 ? this.#pick(live) : as };
  }

  #range() {
    return { ...this.#key(), ...this.#maybe(0.5, { rangeEnd: this.#pick([...KEYS, '\0', '\0']) }) };
  }

  /** One that keys can be in: to another etcd may say this or that, and the rest of the transaction would hang on it. */
  #fullRange() {
    const { key, rangeEnd } = /** @type {Json} */ (this.#range());
    return key === undefined || rangeEnd === '\0' || rangeEnd > key ? { key: key ?? 'a', rangeEnd } : { key };
  }

  #key() {
    return this.#random() < 0.02 ? {} : { key: this.#pick(KEYS) };
  }

  /** @param {boolean} alone not inside a transaction */
  #put(alone) {
    return {
      ...this.#key(),
      value: `v${this.#count++}`,
      ...(alone ? { ...this.#maybe(0.3, { prevKv: true }), ...this.#maybe(0.2, { lease: this.#pick(LEASES) }) } : {}),
    };
  }

  #txn() {
    const many = (/** @type {() => Json} */ one) => Array.from({ length: this.#below(3) }, one);
    const op = () => {
      const dice = this.#below(3);
      if (dice === 0) return { requestPut: this.#put(false) };
      if (dice === 1) return { requestRange: this.#fullRange() };
      return { requestDeleteRange: { key: this.#pick(KEYS), ...this.#maybe(0.3, { prevKv: true }) } };
    };
    return {
      compare: many(() => ({ ...this.#fullRange(), target: 0, result: this.#below(4), version: this.#below(3) })),
      success: many(op),
      failure: many(op),
    };
  }

  /** @param {ReadonlySet<string>} slots */
  #caller(slots) {
    const dice = this.#random();
    const live = [...slots];
    if (dice < 0.06 || live.length === 0) return 'nobody';
    return dice < 0.1 ? 'wrong' : this.#pick(live);
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
}
