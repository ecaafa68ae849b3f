// @ts-check
/** Replays one recording on a fresh store over an engine. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openBackend } from '@varve/backend';
import { openWatchableStore } from '@varve/watch';
import { differences } from './compare.mjs';
import { knownCorner } from './corners.mjs';
import { Operations } from './operations.mjs';

/** @typedef {import('./compare.mjs').Difference & { readonly i: number, readonly op: string }} Mismatch */

export const engines = ['memory', 'level', 'file', 'log'];

/**
 * @param {string} name one of `engines`
 * @param {string} folder for what the engine keeps
 * @returns {Promise<import('@varve/backend').Engine>}
 */
async function openEngine(name, folder) {
  if (name === 'memory') return (await import('@varve/backend/memory')).memoryEngine();
  if (name === 'level') return await (await import('@varve/backend/level')).levelEngine(join(folder, 'level'));
  if (name === 'log') return await (await import('@varve/backend/log')).logEngine(join(folder, 'log'));
  return await (await import('@varve/backend/file')).fileEngine(join(folder, 'db'));
}

/**
 * The header and the entries of a recording.
 * @param {string} path
 * @returns {{ header: Record<string, any>, entries: Record<string, any>[] }}
 */
export function readTrace(path) {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header, ...entries] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  if (header?.trace !== 1 || header.level !== 'storage') throw new Error(`${path} is not a recording in storage terms`);
  return { header, entries };
}

/**
 * Runs all entries and compares every field of every answer.
 * @param {string} path
 * @param {string} [engineName]
 * @param {(mismatch: Mismatch) => void} [onMismatch]
 * @returns {Promise<{ equal: number, total: number, corners: Map<string, number> }>} `corners`: answers that differ as
 * the recorded etcd is known to, counted as equal
 */
export async function replay(path, engineName = 'memory', onMismatch = () => {}) {
  const { header, entries } = readTrace(path);
  /** @type {Map<string, number>} */
  const corners = new Map();
  /** @type {Set<number>} */
  const compacted = new Set();
  const folder = mkdtempSync(join(tmpdir(), 'varve-replay-'));
  try {
    const backend = await openBackend(await openEngine(engineName, folder));
    // etcd knows no limit: a recording may delete as much as it likes at once.
    const store = await openWatchableStore(backend, { maxDeletes: Number.MAX_SAFE_INTEGER });
    const operations = new Operations(store);
    let equal = 0;
    for (const entry of entries) {
      const got = await operations.run(entry);
      const found = differences(entry, got);
      if (entry['op'] === 'compact' && got['err'] === undefined) compacted.add(entry['rev']);
      const corner = found.length === 0 ? undefined : await knownCorner(header, entry, got, store, backend, compacted);
      if (corner !== undefined) corners.set(corner, (corners.get(corner) ?? 0) + 1);
      if (found.length === 0 || corner !== undefined) {
        equal++;
        continue;
      }
      for (const difference of found) onMismatch({ i: entry['i'], op: entry['op'], ...difference });
    }
    await store.close();
    await backend.close();
    return { equal, total: entries.length, corners };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
