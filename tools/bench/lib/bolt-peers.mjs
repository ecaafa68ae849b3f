// @ts-check
/** The peers of bolt.mjs: one file or folder of pairs each, with durable commits. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const boltSource = new URL('../../../packages/bolt/', import.meta.url);
export const CACHE_BYTES = 64 * 1024 * 1024;

/** @typedef {[key: Buffer, value: Uint8Array]} Pair */
/** @typedef {{
 *   commit: (pairs: Pair[]) => unknown,
 *   reader: () => (key: Uint8Array) => Uint8Array | undefined,
 *   close: () => unknown,
 * }} Open */
/** `appends`: keys come in order. @typedef {{ available?: () => boolean, open: (dir: string, appends: boolean) => Open | Promise<Open> }} Peer */

/** @type {Readonly<Record<string, Peer>>} */
export const peers = {
  bolt: {
    async open(dir, appends) {
      const { openBolt } = await bolt();
      const file = await openBolt(join(dir, 'state.db'), { cacheBytes: CACHE_BYTES });
      return {
        commit: (pairs) =>
          file.write((tx) => {
            const bucket = tx.createBucketIfMissing('key');
            if (appends) bucket.fillPercent = 0.9;
            for (const [key, value] of pairs) bucket.put(key, value);
          }),
        reader() {
          const bucket = file.read().bucket('key');
          return (key) => bucket?.get(key);
        },
        close: () => file.close(),
      };
    },
  },
  'better-sqlite3': {
    available: () => existsSync(new URL('../peers/node_modules/better-sqlite3', import.meta.url)),
    open(dir) {
      const Database = createRequire(new URL('../peers/package.json', import.meta.url))('better-sqlite3');
      const db = new Database(join(dir, 'state.sqlite'));
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma(`cache_size = -${CACHE_BYTES / 1024}`);
      db.exec('CREATE TABLE IF NOT EXISTS pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID');
      const insert = db.prepare('INSERT OR REPLACE INTO pairs VALUES (?, ?)');
      const select = db.prepare('SELECT value FROM pairs WHERE key = ?').pluck();
      const all = db.transaction((/** @type {Pair[]} */ pairs) => {
        for (const [key, value] of pairs) insert.run(key, value);
      });
      return { commit: all, reader: () => (key) => select.get(key), close: () => db.close() };
    },
  },
  'classic-level': {
    async open(dir) {
      const { ClassicLevel } = await import('classic-level');
      /** @type {import('classic-level').DatabaseOptions<Uint8Array, Uint8Array>} */
      const encoding = { keyEncoding: 'view', valueEncoding: 'view', cacheSize: CACHE_BYTES };
      const db = new ClassicLevel(join(dir, 'level'), encoding);
      await db.open();
      return {
        async commit(pairs) {
          await db.batch(
            pairs.map(([key, value]) => ({ type: /** @type {const} */ ('put'), key, value })),
            { sync: true },
          );
        },
        reader: () => (key) => db.getSync(key),
        close: () => db.close(),
      };
    },
  },
};

/** @returns {Promise<typeof import('../../../packages/bolt/dist/index.js')>} */
export function bolt() {
  return import(new URL('dist/index.js', boltSource).href);
}
