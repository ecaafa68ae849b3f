// @ts-check
/**
 * Clusters that the suite is run on: a new one for each store that a scenario opens, the next one starting meanwhile.
 *
 * CTG1  With `kill` a member is killed at a moment that nobody knows, the leader as well as any, and brought back; again and again as long as
 *      the store is used. Two of three are there at any time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@varve/etcd';
import { EtcdCluster } from './etcds.mjs';

/**
 * @param {number} members
 * @param {{ kill?: boolean, opens?: typeof connect | undefined }} [options] opens: what is made of a cluster's name
 * @returns {import('./kv-targets.mjs').Target & { kills: () => number }}
 */
export function clusters(members, { kill = false, opens = connect } = {}) {
  /** @type {WeakMap<object, EtcdCluster>} */
  const ofKv = new WeakMap();
  /** @type {Set<{ cluster: EtcdCluster, killer: { stop: AbortController, ended: Promise<void> } | undefined }>} */
  const used = new Set();
  let kills = 0;
  let next = EtcdCluster.start(members);

  /** @param {EtcdCluster} cluster */
  function killAgain(cluster) {
    const stop = new AbortController();
    const ended = (async () => {
      for (let wait = Math.random() * 100; !stop.signal.aborted; wait = 500 + Math.random() * 1500) {
        await pause(wait, undefined, { signal: stop.signal }).catch(() => undefined);
        if (stop.signal.aborted) return;
        const member = Math.floor(Math.random() * members);
        await cluster.kill(member);
        kills++;
        await pause(300);
        cluster.start(member);
        // It is a member again before the next one goes.
        const one = await connect(`etcd://${cluster.endpoints[member]}`, { timeoutMs: 60_000 }).catch(() => undefined);
        await one?.close();
      }
    })();
    return { stop, ended };
  }

  return {
    async open(codecs) {
      const cluster = await next;
      next = EtcdCluster.start(members);
      const kv = await opens(cluster.name, { timeoutMs: 90_000, ...codecs });
      ofKv.set(kv, cluster);
      used.add({ cluster, killer: kill ? killAgain(cluster) : undefined });
      return kv;
    },
    async reopen(closed) {
      const cluster = /** @type {EtcdCluster} */ (ofKv.get(closed));
      const kv = await opens(cluster.name, { timeoutMs: 90_000 });
      ofKv.set(kv, cluster);
      return kv;
    },
    async after() {
      for (const one of used) {
        used.delete(one);
        one.killer?.stop.abort();
        await one.killer?.ended;
        await one.cluster.end();
      }
    },
    async end() {
      await (await next).end();
    },
    kills: () => kills,
  };
}
