// @ts-check
/** Clients of etcd for Node, each with one connection, as lib/client-work.mjs uses them. */
import { compare, connect, put } from '@varve/etcd';
import { Etcd3 } from 'etcd3';

/**
 * @typedef {object} Driven
 * @property {(key: string, value: string) => Promise<unknown>} put
 * @property {(key: string) => Promise<string | null | undefined>} get
 * @property {(start: string, end: string) => Promise<number>} range how many it has found, values read
 * @property {(key: string, value: string) => Promise<unknown>} txn a put if the key was made at or after revision 0
 * @property {(prefix: string, from: number | undefined, seen: () => void) => Promise<() => Promise<unknown>>} watch resolves when it has begun, with what ends it
 * @property {() => void | Promise<void>} close
 */

/** @type {Readonly<Record<string, (member: string) => Promise<Driven>>>} */
export const kinds = {
  varve: (member) => ours(member, 'called'),
  'varve, any order': (member) => ours(member, 'any'),
  async etcd3(member) {
    const client = new Etcd3({ hosts: `http://${member}` });
    return {
      put: (key, value) => client.put(key).value(value).exec(),
      get: (key) => client.get(key).string(),
      range: async (start, end) => Object.keys(await client.getAll().inRange({ start, end }).strings()).length,
      txn: (key, value) => client.if(key, 'Create', '>', -1).then(client.put(key).value(value)).commit(),
      async watch(prefix, from, seen) {
        const asked = client.watch().prefix(prefix);
        const watcher = (from === undefined ? asked : asked.startRevision(`${from}`)).watcher();
        const begun = new Promise((resolve) => watcher.once('connected', resolve));
        watcher.on('put', seen);
        await begun;
        return () => watcher.cancel();
      },
      close: () => client.close(),
    };
  },
};

/** @param {string} member @param {'called' | 'any'} writeOrder @returns {Promise<Driven>} */
async function ours(member, writeOrder) {
  const kv = await connect(`etcd://${member}`, { writeOrder });
  return {
    put: (key, value) => kv.put(key, value),
    get: async (key) => (await kv.get(key))?.value,
    range: async (start, end) => (await kv.list({ start, end }).toArray()).length,
    txn: (key, value) => kv.txn({ if: [compare(key, { createRevision: { greater: -1 } })], then: [put(key, value)] }),
    async watch(prefix, from, seen) {
      const watch = kv.watch({ prefix }, { from });
      await watch.started();
      void (async () => {
        for await (const { events } of watch.batches()) for (const _ of events) seen();
      })();
      return () => watch.close();
    },
    close: () => kv.close(),
  };
}
