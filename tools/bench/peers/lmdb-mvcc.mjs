// The MVCC data model written the way a Node program would write it over lmdb-js:
//   cur: key -> [mod, create, version]     idx: key + revision -> flag
//   log: revision -> [create, version, key length, key, value]
// A put reads `cur` and writes all three, in a transaction of up to 10,000 puts.
import { open } from 'lmdb';

const be = (rev) => {
  const b = Buffer.allocUnsafe(8);
  b.writeUInt32BE(Math.floor(rev / 4294967296), 0);
  b.writeUInt32BE(rev >>> 0, 4);
  return b;
};
const ik = (k, rev) => {
  const b = Buffer.allocUnsafe(k.length + 8);
  k.copy(b);
  b.writeUInt32BE(Math.floor(rev / 4294967296), k.length);
  b.writeUInt32BE(rev >>> 0, k.length + 4);
  return b;
};
const revOf = (b, at) => b.readUInt32BE(at) * 4294967296 + b.readUInt32BE(at + 4);
const LIVE = Buffer.from([1]),
  DEAD = Buffer.from([0]);

export const peer = {
  name: 'lmdb-mvcc',
  kind: 'MVCC over lmdb',
  chains: ['load', 'reopen', 'history', 'durable'],
  async open(dir) {
    const root = open({
      path: dir + '/lmdb',
      keyEncoding: 'binary',
      encoding: 'binary',
      compression: false,
      mapSize: 16 * 2 ** 30,
      maxDbs: 4,
    });
    const sub = (name) => root.openDB({ name, keyEncoding: 'binary', encoding: 'binary' });
    const cur = sub('cur'),
      idx = sub('idx'),
      log = sub('log');
    let rev = 1;
    for (const k of log.getKeys({ reverse: true, limit: 1 })) rev = revOf(k, 0);
    const apply = (k, v) => {
      const r = ++rev;
      const c = cur.getBinary(k);
      let create = r,
        version = 1;
      if (c) {
        create = revOf(c, 8);
        version = c.readUInt32BE(16) + 1;
      }
      const dead = v === null;
      const rec = Buffer.allocUnsafe(14 + k.length + (dead ? 0 : v.length));
      rec.writeUInt32BE(Math.floor(create / 4294967296), 0);
      rec.writeUInt32BE(create >>> 0, 4);
      rec.writeUInt32BE(dead ? 0 : version, 8);
      rec.writeUInt16BE(k.length, 12);
      k.copy(rec, 14);
      if (!dead) v.copy(rec, 14 + k.length);
      log.putSync(be(r), rec);
      idx.putSync(ik(k, r), dead ? DEAD : LIVE);
      if (dead) cur.removeSync(k);
      else {
        const m = Buffer.allocUnsafe(20);
        be(r).copy(m, 0);
        be(create).copy(m, 8);
        m.writeUInt32BE(version, 16);
        cur.putSync(k, m);
      }
    };
    let q = [];
    const commit = () => {
      const b = q;
      q = [];
      if (b.length)
        root.transactionSync(() => {
          for (let i = 0; i < b.length; i += 2) apply(b[i], b[i + 1]);
        });
    };
    const put = (k, v) => {
      q.push(k, v);
      if (q.length < 20000) return undefined;
      commit();
      return root.flushed.then(() => undefined);
    };
    const value = (r) => {
      const b = log.getBinary(be(r));
      return b && b.subarray(14 + b.readUInt16BE(12));
    };
    let waiting = [],
      busy = false;
    const pump = async () => {
      while (waiting.length) {
        const w = waiting;
        waiting = [];
        root.transactionSync(() => {
          for (const x of w) apply(x.k, x.v);
        });
        await root.flushed;
        for (const x of w) x.ok();
      }
      busy = false;
    };
    return {
      put,
      del: (k) => put(k, null),
      rev: () => rev + q.length / 2,
      async flush() {
        commit();
        await root.flushed;
      },
      putDurable: (k, v) =>
        new Promise((ok) => {
          waiting.push({ k, v, ok });
          if (!busy) {
            busy = true;
            setImmediate(pump);
          }
        }),
      get(k) {
        const c = cur.getBinary(k);
        return c && value(revOf(c, 0));
      },
      getAt(k, r) {
        for (const { key, value: f } of idx.getRange({ start: ik(k, r), end: k, reverse: true, limit: 1 }))
          return f[0] ? value(revOf(key, k.length)) : undefined;
        return undefined;
      },
      range(a, b, limit) {
        let n = 0;
        for (const { key, value: c } of cur.getRange(limit ? { start: a, end: b, limit } : { start: a, end: b }))
          if (key && value(revOf(c, 0))) n++;
        return n;
      },
      cas(k, v) {
        // compare and put, each in the transaction of a turn
        q.push(k, v);
        if (q.length < 2000) return undefined;
        const b = q;
        q = [];
        root.transactionSync(() => {
          for (let i = 0; i < b.length; i += 2) {
            const c = cur.getBinary(b[i]);
            if (c && revOf(c, 0) > 0) apply(b[i], b[i + 1]);
          }
        });
        return undefined;
      },
      noFanout: true,
      async watch(a, b, from, cb) {
        let evs = [];
        for (const { key, value } of log.getRange({ start: be(from) })) {
          const kl = value.readUInt16BE(12);
          const k = value.subarray(14, 14 + kl);
          if (k.compare(a) < 0 || k.compare(b) >= 0) continue;
          evs.push({
            mod: revOf(key, 0),
            create: revOf(value, 0),
            version: value.readUInt32BE(8),
            key: k,
            value: value.subarray(14 + kl),
          });
          if (evs.length === 1000) {
            cb(evs);
            evs = [];
          }
        }
        if (evs.length) cb(evs);
        return { cancel() {} };
      },
      async compact(at) {
        let prev = null,
          prevRev = 0,
          prevDead = false;
        let start = Buffer.from([0]);
        for (;;) {
          const drop = [];
          let n = 0,
            lastKey;
          for (const { key, value } of idx.getRange({ start, limit: 5000 })) {
            n++;
            lastKey = key;
            const k = key.subarray(0, key.length - 8),
              r = revOf(key, key.length - 8);
            if (prev && (r > at || !k.equals(prev))) {
              if (prevDead) drop.push(prev, prevRev);
              prev = null;
            }
            if (r > at) continue;
            if (prev) drop.push(prev, prevRev);
            prev = Buffer.from(k);
            prevRev = r;
            prevDead = value[0] === 0;
          }
          if (drop.length)
            root.transactionSync(() => {
              for (let i = 0; i < drop.length; i += 2) {
                idx.removeSync(ik(drop[i], drop[i + 1]));
                log.removeSync(be(drop[i + 1]));
              }
            });
          if (n < 5000) break;
          start = Buffer.concat([lastKey, Buffer.from([0])]);
          await new Promise((r) => setImmediate(r));
        }
        if (prev && prevDead)
          root.transactionSync(() => {
            idx.removeSync(ik(prev, prevRev));
            log.removeSync(be(prevRev));
          });
        await root.flushed;
      },
      close: async () => {
        commit();
        await root.close();
      },
    };
  },
};
