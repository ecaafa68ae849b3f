// @ts-check
/** Stores that the suite for every `Kv` can be run on, by name. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, level, log, memory, open } from '@varve/kv';

/**
 * @typedef {object} Target
 * @property {import('@varve/api/conformance').OpenKv} open
 * @property {import('@varve/api/conformance').ReopenKv} [reopen]
 * @property {() => void} end removes what it has made
 */

/** @type {Readonly<Record<string, () => Target>>} */
export const targets = {
  memory: () => ({ open: (codecs) => open(memory(), codecs), end() {} }),
  level: () => inFolders((path) => level(path)),
  file: () => inFolders((path) => file(path)),
  log: () => inFolders((path) => log(path)),
};

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
