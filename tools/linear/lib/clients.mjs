// @ts-check
/**
 * Clients that work at once, and write down what they did and saw, by one clock.
 *
 * LCL1  A write that ended with `KV_UNKNOWN_OUTCOME` is written down without an end. One that ended with another error was not done, by what the
 *      client says: it is not written down, so it is a mistake when the store has it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf } from '@varve/etcd';

/**
 * @typedef {import('@varve/etcd').Kv} Kv
 * @typedef {import('./check.mjs').Write} Write
 * @typedef {import('./check.mjs').Read} Read
 * @typedef {import('./check.mjs').Held} Held
 * @typedef {import('./check.mjs').Change} Change
 *
 * @typedef {object} Book what all clients have written down
 * @property {Write[]} writes
 * @property {Read[]} reads
 * @property {Held[]} held
 * @property {Map<string, number>} errors how often each code came, unknown outcomes not counted
 * @property {number} watchesEnded that went on from where they had ended
 * @property {AbortSignal} stop
 */

const keys = Array.from({ length: 8 }, (_, i) => `k${i}`);
const pick = () => keys[Math.floor(Math.random() * keys.length)] ?? 'k0';
const holding = { leastMs: 1000, mostMs: 4000, againMs: 10_000 };
const now = () => performance.now();

/** @param {Book} book @param {unknown} error */
function note({ errors }, error) {
  const code = codeOf(error);
  if (code === undefined) throw error;
  errors.set(code, (errors.get(code) ?? 0) + 1);
}

/** @param {Kv} kv @param {Book} book @param {number} id */
export async function write(kv, book, id) {
  for (let n = 0; !book.stop.aborted; n++) {
    const key = pick();
    const value = Math.random() < 0.1 ? undefined : `${id}-${n}`;
    const began = now();
    try {
      if (value === undefined) {
        const { revision, deleted } = await kv.delete(key);
        if (deleted > 0) book.writes.push({ key, value, began, ended: now(), revision });
      } else {
        const { revision } = await kv.put(key, value);
        book.writes.push({ key, value, began, ended: now(), revision });
      }
    } catch (error) {
      if (codeOf(error) === 'KV_UNKNOWN_OUTCOME')
        book.writes.push({ key, value, began, ended: undefined, revision: undefined });
      else note(book, error);
    }
  }
}

/** @param {Kv} kv @param {Book} book @param {readonly string[]} leased */
export async function read(kv, book, leased) {
  while (!book.stop.aborted) {
    const key = Math.random() < 0.2 ? (leased[Math.floor(Math.random() * leased.length)] ?? 'k0') : pick();
    const began = now();
    try {
      const entry = await kv.get(key);
      book.reads.push({ key, value: entry?.value, modRevision: entry?.modRevision ?? 0, began, ended: now() });
    } catch (error) {
      note(book, error);
    }
  }
}

/**
 * Holds a lease with a key for a while, again and again.
 * @param {Kv} kv @param {Book} book @param {string} key @param {{ leastMs: number, mostMs: number, againMs: number }} [times] again: after an error, when the lease is over
 */
export async function hold(kv, book, key, { leastMs, mostMs, againMs } = holding) {
  while (!book.stop.aborted) {
    try {
      const lease = await kv.lease({ ttl: 8, keepAlive: true });
      /** @type {Held} */
      const mine = { key, began: now(), from: undefined, until: Number.POSITIVE_INFINITY, gone: undefined };
      // Written down before the put: whatever becomes of it, the key may be there from now on.
      book.held.push(mine);
      await kv.put(key, 'held', { lease });
      mine.from = now();
      const over = () => (mine.until = Math.min(mine.until, now()));
      lease.signal.addEventListener('abort', over);
      await pause(leastMs + Math.random() * (mostMs - leastMs), undefined, { signal: lease.signal }).catch(
        () => undefined,
      );
      over();
      await lease.revoke();
      mine.gone = now();
    } catch (error) {
      note(book, error);
      await pause(againMs);
    }
  }
}

/** Everything from a revision on, up to the marker. @param {Kv} kv @param {Book} book @param {number} from @returns {Promise<Change[]>} */
export async function follow(kv, book, from) {
  /** @type {Change[]} */
  const events = [];
  for (let next = from; ;) {
    const watch = kv.watch({ prefix: 'k' }, { from: next });
    try {
      for await (const { revision, key, value } of watch) {
        events.push({ revision, key, value });
        if (key === 'k-end') return events;
      }
      return events;
    } catch (error) {
      note(book, error);
      book.watchesEnded += 1;
      next = watch.revision + 1;
    }
  }
}
