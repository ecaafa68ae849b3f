// lmdb-js raw: a plain key-value store. It commits in the background and
// flushes (fsync) after each commit; `flushed` resolves when that is done.
import { open } from 'lmdb';

export const peer = {
  name: 'lmdb',
  kind: 'plain KV',
  chains: ['load', 'reopen', 'history', 'durable'],
  async open(dir) {
    const db = open({
      path: dir + '/lmdb',
      keyEncoding: 'binary',
      encoding: 'binary',
      compression: false,
      mapSize: 16 * 2 ** 30,
    });
    let n = 0,
      last;
    return {
      put(k, v) {
        last = db.put(k, v);
        return ++n % 10000 === 0 ? last : undefined;
      },
      async flush() {
        await last;
        await db.flushed;
      },
      async putDurable(k, v) {
        await db.put(k, v);
        await db.flushed;
      },
      get: (k) => db.getBinary(k),
      range(a, b, limit) {
        let n = 0;
        for (const { key, value } of db.getRange(limit ? { start: a, end: b, limit } : { start: a, end: b }))
          if (key && value) n++;
        return n;
      },
      close: () => db.close(),
    };
  },
};
