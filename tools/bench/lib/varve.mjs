// @ts-check
// varve in the harness: the watchable store itself, as an embedder would hold it (keys and values are bytes, gets and
// puts are calls). The contract of an adapter is in the README beside this folder.
import { openBackend } from '@varve/backend';
import { openWatchableStore } from '@varve/watch';

/** @typedef {import('@varve/watch').WatchResponse} WatchResponse */

const KEY_ONLY = { keyOnly: true };

/**
 * @param {string} name
 * @param {string} kind
 * @param {(dir: string) => Promise<import('@varve/backend').Engine>} openEngine
 * @param {readonly string[]} chains
 * @returns {import('./contract.d.mts').Peer}
 */
export function varve(name, kind, openEngine, chains) {
  return {
    name,
    kind,
    chains,
    async open(dir, { durable }) {
      const backend = await openBackend(await openEngine(dir));
      const store = await openWatchableStore(backend, {
        durability: durable === 'every' ? 'commit' : 'interval',
        // One stream serves ten thousand watchers here, and its queue is to hold the responses of 64 puts to each.
        queueCapacity: 1 << 20,
      });
      // By id: a stream's own ids count up from 0.
      /** @type {(import('./contract.d.mts').Sink | undefined)[]} */
      const sinks = [];
      /** @type {import('@varve/watch').WatchStream | undefined} */
      let stream;
      const hand = (/** @type {WatchResponse} */ response) => {
        if (response.type === 'events') sinks[response.watchId]?.(response.events);
      };
      const pump = async (/** @type {import('@varve/watch').WatchStream} */ from) => {
        for (let response = await from.next(); response !== undefined; response = await from.next()) {
          hand(response);
          // What is queued already comes in the same tick: a promise a response would cost more than the events.
          for (let more = from.poll(); more !== undefined; more = from.poll()) hand(more);
        }
      };
      const admitted = (/** @type {() => void} */ write) => (store.admitting ? write() : store.admit().then(write));
      return {
        put: (key, value) => admitted(() => void store.put(key, value)),
        del: (key) => admitted(() => void store.deleteRange(key)),
        cas: (key, value) =>
          admitted(() => {
            store.write((txn) => {
              if ((txn.get(key, KEY_ONLY)?.modRevision ?? 0) > 0) txn.put(key, value);
            });
          }),
        putDurable(key, value) {
          store.put(key, value);
          return store.settled();
        },
        flush: () => store.commit(),
        get: (key) => store.get(key)?.value,
        getAt: (key, revision) => store.get(key, { revision })?.value,
        async range(key, end, limit) {
          return (await store.range(key, end, limit > 0 ? { limit } : undefined)).kvs.length;
        },
        rev: () => store.rev(),
        async watch(key, end, from, sink) {
          if (stream === undefined) {
            stream = store.newWatchStream();
            void pump(stream);
          }
          const on = stream;
          const { watchId } = on.watch(key, end ?? undefined, { from });
          sinks[watchId] = sink;
          return {
            cancel() {
              on.cancel(watchId);
              sinks[watchId] = undefined;
            },
          };
        },
        async compact(revision) {
          await (await store.compact(revision)).finished();
        },
        defrag: () => store.defrag(),
        async close() {
          stream?.close();
          await store.close();
          await backend.close();
        },
      };
    },
  };
}
