// @ts-check
/**
 * What the workload writes to: the store itself, or the same store behind `varve serve`.
 *
 * @typedef {object} Target
 * @property {(writes: readonly import('./plan.mjs').Write[]) => Promise<number>} transact resolves with the revision, when it is durable
 * @property {(revision: number) => Promise<void>} compact nothing when that is done already
 * @property {() => Promise<void>} defrag
 * @property {(path: string) => Promise<void>} backup
 * @property {() => Promise<void>} close
 */
import { bytes, open, put, remove } from '@varve/kv';
import { engineAt } from './arguments.mjs';
import { serveAndCall } from './via-server.mjs';

/** @param {import('./arguments.mjs').Arguments & { readonly directory: string }} options @returns {Promise<Target>} */
export async function targetOf(options) {
  return options.via === 'server' ? serveAndCall(options) : openKv(options);
}

/** @param {import('./arguments.mjs').Arguments & { readonly directory: string }} options @returns {Promise<Target>} */
async function openKv({ engine, durability, directory }) {
  // The index is saved every so many changes, so that a kill meets it and the next opening uses it.
  const kv = await open(engineAt({ engine, via: 'kv' }, directory, true), {
    value: bytes,
    durability,
    checkpointEvery: 100,
  });
  return {
    transact: async (writes) => {
      const [first] = writes;
      if (writes.length === 1 && first !== undefined) {
        const { key, value } = first;
        return (await (value === undefined ? kv.delete(key) : kv.put(key, value))).revision;
      }
      const then = writes.map(({ key, value }) => (value === undefined ? remove(key) : put(key, value)));
      return (await kv.txn({ then })).revision;
    },
    compact: async (revision) => {
      const { compactRevision = 0 } = await kv.status();
      if (revision > compactRevision) await kv.compact(revision);
    },
    defrag: () => kv.defrag(),
    backup: async (path) => void (await kv.backup(path)),
    close: () => kv.close(),
  };
}
