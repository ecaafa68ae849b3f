// @ts-check
/** Stores on the disk with something wrong in one of their files: BoltDB pages, and the log's segments with their frames. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, log, open } from '@varve/kv';
import fc from 'fast-check';
import { mutated } from '../mutations.mjs';
import { refusal } from '../target.mjs';

/** @typedef {import('../target.mjs').Target} Target */

/** @param {import('@varve/kv').Location | string} location */
async function grow(location) {
  const kv = await open(/** @type {any} */ (location));
  for (let at = 0; at < 60; at++) await kv.put(`k${at % 9}`, 'v'.repeat(at * 7));
  await kv.delete('k3');
  await kv.compact(20);
  await kv.close();
}

/** Opened, read, written, closed; or refused with a code. @param {any} location @returns {Promise<string>} */
async function used(location) {
  /** @type {import('@varve/kv').EmbeddedKv | undefined} */
  let kv;
  try {
    kv = await open(/** @type {import('@varve/kv').Engine} */ (location));
    let count = 0;
    for await (const _ of kv.list({})) count++;
    await kv.put('new', 'value');
    return count > 0 ? 'read' : 'empty';
  } catch (error) {
    return refusal(error, /^(BACKEND|BOLT|MVCC|KV|LEASE)_[A-Z_]+$/);
  } finally {
    await kv?.close().catch((error) => void refusal(error, /^(BACKEND|BOLT|MVCC|KV)_[A-Z_]+$/));
  }
}

/** @returns {Promise<Target>} */
export async function boltTarget() {
  const top = mkdtempSync(join(tmpdir(), 'varve-security-bolt-'));
  const base = join(top, 'base.db');
  await grow(file(base));
  const path = join(top, 'hostile.db');
  return {
    name: 'BoltDB pages',
    weight: 2,
    inputs: mutated([readFileSync(base)]),
    async run(bytes) {
      writeFileSync(path, bytes);
      const outcome = await used(file(path));
      rmSync(path, { force: true });
      return outcome;
    },
    close: async () => rmSync(top, { recursive: true, force: true }),
  };
}

/** @returns {Promise<Target>} */
export async function logTarget() {
  const top = mkdtempSync(join(tmpdir(), 'varve-security-log-'));
  const base = join(top, 'base');
  await grow(log(base));
  const folder = join(top, 'hostile');
  const names = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(base, name)).isFile(),
  );
  const samples = names.map((name) => readFileSync(join(base, name)));
  return {
    name: 'frames of the log',
    weight: 2,
    inputs: fc
      .nat(names.length - 1)
      .chain((at) => fc.tuple(fc.constant(at), mutated([samples[at] ?? Buffer.alloc(0)]))),
    async run([at, bytes]) {
      cpSync(base, folder, { recursive: true });
      writeFileSync(join(folder, names[at] ?? ''), bytes);
      const outcome = await used(log(folder));
      rmSync(folder, { recursive: true, force: true });
      return outcome;
    },
    close: async () => rmSync(top, { recursive: true, force: true }),
  };
}
