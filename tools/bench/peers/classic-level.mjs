// @ts-check
// classic-level raw: a plain key-value store (no revisions, no index, no watch):
// the floor under a LevelDB backend. Chained batches of 1,000 (an array batch costs
// the main thread several times more, see micro/level.mjs), at most two in flight;
// every tenth batch, and the last, with sync: true (so an fsync for every 10,000
// puts, as etcd's backend has it).
import { ClassicLevel } from 'classic-level';

/** @type {import('classic-level').DatabaseOptions<Uint8Array, Uint8Array>} */
const levelOptions = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  cacheSize: 64 << 20,
  writeBufferSize: 64 << 20, // snappy on, as it is by default (the values do not compress)
};

/** @typedef {import('classic-level').ChainedBatch<ClassicLevel<Uint8Array, Uint8Array>, Uint8Array, Uint8Array>} Batch */

/** @type {import('../lib/contract.d.mts').Peer} */
export const peer = {
  name: 'classic-level',
  kind: 'plain KV',
  chains: ['load', 'reopen', 'history', 'durable'],
  async open(dir) {
    const db = new ClassicLevel(dir + '/level', levelOptions);
    await db.open();
    /** @type {Batch | null} */
    let b = null;
    let n = 0;
    let sent = 0;
    /** @type {Set<Promise<void>>} */
    const flying = new Set();
    const send = (/** @type {Batch} */ batch, /** @type {boolean} */ sync) => {
      const p = batch.write({ sync }).finally(() => flying.delete(p));
      b = null;
      n = 0;
      flying.add(p);
      return p;
    };
    // group commit: one synced batch at a time, with all that came meanwhile
    /** @type {((done?: undefined) => void)[]} */
    let waiting = [];
    let busy = false;
    const pump = async () => {
      while (waiting.length) {
        const w = waiting,
          x = b;
        waiting = [];
        b = null;
        await x?.write({ sync: true });
        for (const ok of w) ok();
      }
      busy = false;
    };
    return {
      put(k, v) {
        if (b === null) b = db.batch();
        b.put(k, v);
        if (++n < 1000) return undefined;
        void send(b, ++sent % 10 === 0);
        return flying.size >= 2 ? Promise.race(flying) : undefined;
      },
      async flush() {
        if (b === null) {
          b = db.batch();
          b.put(Buffer.from('~'), Buffer.from('~'));
        }
        await send(b, true);
        await Promise.all(flying);
      },
      putDurable(k, v) {
        if (b === null) b = db.batch();
        b.put(k, v);
        return new Promise((ok) => {
          waiting.push(ok);
          if (!busy) {
            busy = true;
            setImmediate(() => void pump());
          }
        });
      },
      get: (k) => db.getSync(k),
      getAwait: (k) => db.get(k),
      async range(a, e, limit) {
        const it = db.iterator(limit ? { gte: a, lt: e, limit } : { gte: a, lt: e });
        return (await it.all()).length;
      },
      close: () => db.close(),
    };
  },
};
