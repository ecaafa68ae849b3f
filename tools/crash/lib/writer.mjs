// @ts-check
/**
 * Transactions in order, up to 8 in flight, never two on one key, each told before and after.
 *
 * WRI1  `try` is said before the call, `ack` after its promise has resolved: what was tried and not answered is in doubt.
 * WRI2  After the first failure nothing new begins; those in flight get their answers, then `run` rejects with it.
 */
import { codeOf, say } from './lines.mjs';
import { transactionOf } from './plan.mjs';

const mostInFlight = 8;

/** @typedef {import('./plan.mjs').Write} Write */

export class Writer {
  /** @type {import('./target.mjs').Target} */
  #target;
  /** @type {(seq: number, revision: number) => void} */
  #onAck;
  /** Transactions in flight, by each of their keys. @type {Map<string, Promise<void>>} */
  #byKey = new Map();
  /** @type {Set<Promise<void>>} */
  #inFlight = new Set();
  /** @type {{ error: unknown } | undefined} */
  #failure;

  /**
   * @param {import('./target.mjs').Target} target
   * @param {(seq: number, revision: number) => void} onAck
   */
  constructor(target, onAck) {
    this.#target = target;
    this.#onAck = onAck;
  }

  /**
   * @param {{ seed: number, first: number, ops: number, grow: boolean }} options
   */
  async run({ seed, first, ops, grow }) {
    for (let seq = first; seq < first + ops && this.#failure === undefined; seq += 1) {
      const writes = transactionOf(seed, seq, grow);
      for (const { key } of writes) await this.#byKey.get(key);
      while (this.#inFlight.size >= mostInFlight) await Promise.race(this.#inFlight);
      if (this.#failure === undefined) this.#start(seq, writes);
    }
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * @param {number} seq
   * @param {Write[]} writes
   */
  #start(seq, writes) {
    const what = `${seq} ${writes.map(({ key, hash }) => `${key} ${hash}`).join(' ')}`;
    say(`try ${what}`);
    const ended = this.#target.transact(writes).then(
      (revision) => {
        say(`ack ${what} rev=${revision}`);
        this.#onAck(seq, revision);
      },
      (error) => {
        // Only what the facade turned away has certainly not happened.
        say(`${codeOf(error).startsWith('KV_') ? 'refused' : 'fail'} ${seq} ${codeOf(error)}`);
        this.#failure ??= { error };
      },
    );
    const flight = ended.finally(() => {
      this.#inFlight.delete(flight);
      for (const { key } of writes) this.#byKey.delete(key);
    });
    this.#inFlight.add(flight);
    for (const { key } of writes) this.#byKey.set(key, flight);
  }
}
