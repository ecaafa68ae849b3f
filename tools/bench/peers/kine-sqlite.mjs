// A kine-like revision table on SQLite (better-sqlite3): one row a revision, the
// row id is the revision. WAL, synchronous=FULL: each commit is an fsync; a commit
// every 10,000 puts or 100 ms as etcd's backend has it, or one for each group of
// waiting writers (durable).
import Database from 'better-sqlite3';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS kine (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB, created INTEGER, deleted INTEGER,
  create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB);
CREATE INDEX IF NOT EXISTS kine_name_id ON kine (name, id);
CREATE INDEX IF NOT EXISTS kine_id_deleted ON kine (id, deleted);
CREATE INDEX IF NOT EXISTS kine_prev ON kine (prev_revision);
CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev ON kine (name, prev_revision);`;

export const peer = {
  name: 'kine-sqlite',
  kind: 'MVCC over SQLite',
  chains: ['load', 'reopen', 'history', 'durable'],
  async open(dir) {
    const db = new Database(dir + '/state.db');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('cache_size = -65536');
    db.exec(SCHEMA);
    const last = db.prepare(
      'SELECT id, create_revision AS c, deleted AS d, value AS v FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1',
    );
    const ins = db.prepare(
      'INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value) VALUES (?, ?, ?, ?, ?, 0, ?, ?)',
    );
    const getCur = db.prepare(
      'SELECT id, create_revision, deleted AS d, value AS v FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1',
    );
    const getAt = db.prepare(
      'SELECT id, create_revision, deleted AS d, value AS v FROM kine WHERE name = ? AND id <= ? ORDER BY id DESC LIMIT 1',
    );
    const list = db
      .prepare(
        'SELECT kv.id, kv.name, kv.create_revision, kv.value FROM kine AS kv JOIN (SELECT MAX(id) AS id FROM kine WHERE name >= ? AND name < ? GROUP BY name LIMIT ?) AS m ON kv.id = m.id WHERE kv.deleted = 0 ORDER BY kv.name',
      )
      .raw();
    const after = db
      .prepare(
        'SELECT id, name, created, deleted, create_revision, prev_revision, value, old_value FROM kine WHERE id >= ? AND name >= ? AND name < ? ORDER BY id LIMIT ?',
      )
      .raw();
    const maxId = db.prepare('SELECT MAX(id) AS m FROM kine');
    const begin = db.prepare('BEGIN IMMEDIATE'),
      end = db.prepare('COMMIT');
    const comp = db.prepare(
      'DELETE FROM kine WHERE id IN (SELECT prev_revision FROM kine WHERE prev_revision != 0 AND id > ? AND id <= ? UNION SELECT id FROM kine WHERE deleted != 0 AND id > ? AND id <= ?)',
    );
    let open = false,
      n = 0,
      since = 0,
      rev = Number(maxId.get().m ?? 0);
    const apply = (k, v) => {
      const p = last.get(k);
      const live = p !== undefined && p.d === 0;
      if (v === null) {
        if (live) rev = ins.run(k, 0, 1, p.c, p.id, null, p.v).lastInsertRowid;
      } else {
        rev = ins.run(k, live ? 0 : 1, 0, live ? p.c : rev + 1, p ? p.id : 0, v, live ? p.v : null).lastInsertRowid;
      }
    };
    const commit = () => {
      if (open) {
        end.run();
        open = false;
        n = 0;
      }
    };
    const ensure = () => {
      if (!open) {
        begin.run();
        open = true;
        since = performance.now();
      }
    };
    const put = (k, v) => {
      ensure();
      apply(k, v);
      if (++n >= 10000 || ((n & 15) === 0 && performance.now() - since > 100)) commit();
      return undefined;
    };
    let waiting = [],
      busy = false;
    const pump = () => {
      const w = waiting;
      waiting = [];
      busy = false;
      begin.run();
      for (const x of w) apply(x.k, x.v);
      end.run();
      for (const x of w) x.ok();
    };
    return {
      put,
      del: (k) => put(k, null),
      rev: () => rev,
      async flush() {
        commit();
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
        const r = getCur.get(k);
        return r && r.d === 0 ? r.v : undefined;
      },
      getAt(k, at) {
        const r = getAt.get(k, at);
        return r && r.d === 0 ? r.v : undefined;
      },
      range: (a, b, limit) => list.all(a, b, limit || -1).length,
      cas(k, v) {
        ensure();
        const p = last.get(k);
        if (p && p.id > 0) return put(k, v);
        return undefined;
      },
      noFanout: true,
      async watch(a, b, from, cb) {
        for (let at = from; ;) {
          const evs = after.all(at, a, b, 1000);
          if (evs.length) cb(evs);
          if (evs.length < 1000) break;
          at = evs[evs.length - 1][0] + 1;
        }
        return { cancel() {} };
      },
      async compact(at) {
        // kine compacts a thousand revisions at a time
        for (let lo = 0; lo < at; lo += 1000) {
          commit();
          comp.run(lo, Math.min(at, lo + 1000), lo, Math.min(at, lo + 1000));
          await new Promise((r) => setImmediate(r));
        }
        commit();
        db.pragma('wal_checkpoint(TRUNCATE)');
      },
      async defrag() {
        commit();
        db.exec('VACUUM');
        db.pragma('wal_checkpoint(TRUNCATE)');
      },
      async close() {
        commit();
        db.close();
      },
    };
  },
};
