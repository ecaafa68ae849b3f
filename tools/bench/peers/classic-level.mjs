// classic-level raw: a plain key-value store (no revisions, no index, no watch):
// the floor under a LevelDB backend. Chained batches of 1,000 (an array batch costs
// the main thread several times more, see micro/level.mjs), at most two in flight;
// every tenth batch, and the last, with sync: true (so an fsync for every 10,000
// puts, as etcd's backend has it).
import { ClassicLevel } from 'classic-level';

export const levelOptions = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  cacheSize: 64 << 20,
  writeBufferSize: 64 << 20, // snappy on, as it is by default (the values do not compress)
};

export const peer = {
  name: 'classic-level',
  kind: 'plain KV',
  chains: ['load', 'reopen', 'history', 'durable'],
  async open(dir) {
    const db = new ClassicLevel(dir + '/level', levelOptions);
    await db.open();
    let b = null,
      n = 0,
      sent = 0;
    const flying = new Set();
    const send = (sync) => {
      const p = b.write({ sync }).finally(() => flying.delete(p));
      b = null;
      n = 0;
      flying.add(p);
      return p;
    };
    // group commit: one synced batch at a time, with all that came meanwhile
    let waiting = [],
      busy = false;
    const pump = async () => {
      while (waiting.length) {
        const w = waiting,
          x = b;
        waiting = [];
        b = null;
        await x.write({ sync: true });
        for (const ok of w) ok();
      }
      busy = false;
    };
    return {
      put(k, v) {
        if (b === null) b = db.batch();
        b.put(k, v);
        if (++n < 1000) return undefined;
        send(++sent % 10 === 0);
        return flying.size >= 2 ? Promise.race(flying) : undefined;
      },
      async flush() {
        if (b === null) {
          b = db.batch();
          b.put(Buffer.from('~'), Buffer.from('~'));
        }
        await send(true);
        await Promise.all(flying);
      },
      putDurable(k, v) {
        if (b === null) b = db.batch();
        b.put(k, v);
        return new Promise((ok) => {
          waiting.push(ok);
          if (!busy) {
            busy = true;
            setImmediate(pump);
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
