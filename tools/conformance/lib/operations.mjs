// @ts-check
/** Runs the entries of a recording, one after another, and answers each in the form of the recording. */
import { MvccError } from '@varve/watch';
import { toBytes, toEnd, toRecord } from './values.mjs';
import { Watchers } from './watchers.mjs';

/** @typedef {Record<string, any>} Entry */
/** @typedef {import('@varve/watch').WriteTxn} WriteTxn */

const errors = new Map([
  ['MVCC_COMPACTED', 'compacted'],
  ['MVCC_FUTURE_REVISION', 'future'],
]);

/**
 * The answer of a call, or the recording's name for its error.
 * @template T
 * @param {() => T | Promise<T>} call
 * @returns {Promise<T | { err: string }>}
 */
async function answered(call) {
  try {
    return await call();
  } catch (error) {
    return { err: errorName(error) };
  }
}

/** @param {unknown} error */
function errorName(error) {
  if (error instanceof RangeError) return 'invalid';
  const name = error instanceof MvccError ? errors.get(error.code) : undefined;
  if (name === undefined) throw error;
  return name;
}

/** @param {Entry} entry */
function rangeOptions(entry) {
  return { revision: entry.rev, limit: entry.limit, withTotal: true };
}

/** @param {import('@varve/watch').RangeResult} result */
function rangeAnswer({ kvs, count, revision }) {
  return { res: { rev: revision, count, kvs: kvs.map(toRecord) } };
}

/** @type {Record<string, (txn: WriteTxn, entry: Entry) => Entry>} */
const writes = {
  put(txn, entry) {
    const key = toBytes(entry.key);
    const previous = txn.get(key);
    const rev = txn.put(key, toBytes(entry.value), BigInt(entry.lease ?? 0));
    return { res: { rev, prev: previous === undefined ? null : toRecord(previous) } };
  },
  deleteRange(txn, entry) {
    const key = toBytes(entry.key);
    const end = toEnd(entry.end);
    const prevs = txn.range(key, end).kvs.map(toRecord);
    const { deleted, revision } = txn.deleteRange(key, end);
    return { res: { rev: revision, deleted, prevs } };
  },
  range(txn, entry) {
    try {
      return rangeAnswer(txn.range(toBytes(entry.key), toEnd(entry.end), rangeOptions(entry)));
    } catch (error) {
      return { err: errorName(error) };
    }
  },
};

export class Operations {
  /** @type {import('@varve/watch').WatchableStore} */
  #store;
  /** @type {Watchers} */
  #watchers;

  /** @param {import('@varve/watch').WatchableStore} store */
  constructor(store) {
    this.#store = store;
    this.#watchers = new Watchers(store);
  }

  /**
   * @param {Entry} entry
   * @returns {Promise<Entry>}
   */
  async run(entry) {
    const store = this.#store;
    switch (entry.op) {
      case 'put':
      case 'deleteRange': {
        const { value } = store.write((txn) => /** @type {any} */ (writes[entry.op])(txn, entry));
        await store.settled();
        return value;
      }
      case 'txn': {
        const { value, revision } = store.write((txn) =>
          entry.ops.map((/** @type {Entry} */ op) => /** @type {any} */ (writes[op.op])(txn, op)),
        );
        await store.settled();
        return { ops: value, res: { rev: revision } };
      }
      case 'range':
        return await answered(async () =>
          rangeAnswer(await store.range(toBytes(entry.key), toEnd(entry.end), rangeOptions(entry))),
        );
      case 'compact':
        return await answered(async () => {
          const compaction = await store.compact(entry.rev);
          await compaction.finished();
          return { res: {} };
        });
      case 'hash':
        return await answered(async () => {
          const { hash, currentRevision, compactRevision } = await store.hashByRev(entry.rev);
          // etcd says -1 where nothing is compacted.
          return { res: { hash, rev: currentRevision, compacted: compactRevision === 0 ? -1 : compactRevision } };
        });
      case 'watch':
        return this.#watchers.watch(entry);
      case 'sync':
        return await this.#watchers.sync();
      case 'cancel':
        return await this.#watchers.cancel(entry);
      case 'close':
        return await this.#watchers.close(entry);
      default:
        throw new Error(`entry ${entry.i}: unknown operation ${entry.op}`);
    }
  }
}
