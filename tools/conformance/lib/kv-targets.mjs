// @ts-check
/** Stores that the suite for every `Kv` can be run on, by name. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFollower } from '@varve/follower';
import { file, level, log, memory, open } from '@varve/kv';
import { clusters } from './clusters.mjs';
import { hasProgram } from './grpc/etcd.mjs';
import { servedStores } from './served-stores.mjs';

/**
 * @typedef {object} Target
 * @property {import('@varve/api/conformance').OpenKv} open
 * @property {import('@varve/api/conformance').ReopenKv} [reopen]
 * @property {() => Promise<void>} [after] ends what a scenario has opened
 * @property {() => void | Promise<void>} end removes what it has made
 * @property {() => number} [kills] members that were killed
 */

/** @type {Readonly<Record<string, () => Target>>} */
export const targets = {
  memory: () => ({ open: (codecs) => open(memory(), codecs), end() {} }),
  level: () => inFolders((path) => level(path)),
  file: () => inFolders((path) => file(path)),
  log: () => inFolders((path) => log(path)),
  'serve-log': () => servedStores('log'),
  'serve-file': () => servedStores('file'),
  'serve-memory': () => servedStores('memory'),
  single: () => etcds(1, false),
  cluster: () => etcds(3, false),
  'cluster-kill': () => etcds(3, true),
  follower: () => etcds(1, false, /** @type {any} */ (followerOf)),
};

/** Targets that are several of the others. @type {Readonly<Record<string, readonly string[]>>} */
export const groups = { serve: ['serve-log', 'serve-file'] };

/** @param {import('@varve/api').ClusterName} name @param {{ timeoutMs: number } & import('@varve/api/conformance').Codecs<any, any>} options */
function followerOf(name, { timeoutMs, ...codecs }) {
  return openFollower(name, { ...codecs, cluster: { timeoutMs } });
}

/** @param {number} members @param {boolean} kill @param {typeof import('@varve/etcd').connect} [opens] @returns {Target} */
function etcds(members, kill, opens) {
  if (!hasProgram('etcd')) throw new Error('there is no etcd on this machine (Debian: etcd-server)');
  return clusters(members, { kill, opens });
}

/** @param {(path: string) => Promise<import('@varve/kv').Engine>} engineAt @returns {Target} */
function inFolders(engineAt) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-conformance-'));
  /** @type {WeakMap<object, string>} */
  const paths = new WeakMap();
  let stores = 0;
  return {
    async open(codecs) {
      const path = join(folder, `store-${stores++}`);
      const kv = await open(engineAt(path), codecs);
      paths.set(kv, path);
      return kv;
    },
    async reopen(closed) {
      const path = paths.get(closed) ?? '';
      const kv = await open(engineAt(path));
      paths.set(kv, path);
      return kv;
    },
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}
