// varve in the harness: the watchable store itself, as an embedder would hold it (keys and values are bytes, gets and
// puts are calls). The contract of an adapter is in the README beside this folder.
import { openBackend } from '@varve/backend';
import { openWatchableStore } from '@varve/watch';

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
      const sinks = [];
      let stream;
      const hand = (response) => {
        if (response.type === 'events') sinks[response.watchId]?.(response.events);
      };
      const pump = async () => {
        for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
          hand(response);
          // What is queued already comes in the same tick: a promise a response would cost more than the events.
          for (let more = stream.poll(); more !== undefined; more = stream.poll()) hand(more);
        }
      };
      const admitted = (write) => (store.admitting ? void write() : store.admit().then(write));
      return {
        put: (key, value) => admitted(() => void store.put(key, value)),
        del: (key) => admitted(() => void store.deleteRange(key)),
        cas: (key, value) =>
          admitted(() => {
            store.write((txn) => {
              if ((txn.get(key)?.modRevision ?? 0) > 0) txn.put(key, value);
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
            void pump();
          }
          const { watchId } = stream.watch(key, end ?? undefined, { startRevision: from });
          sinks[watchId] = sink;
          return {
            cancel() {
              stream.cancel(watchId);
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
