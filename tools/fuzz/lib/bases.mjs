// @ts-check
/** The good stores that harm is done to: bbolt's and etcd's of the vectors, and some of our own. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bytes, file, level, open } from '@varve/kv';

const vectors = join(import.meta.dirname, '..', '..', 'vectors', 'bolt');
const largest = 1 << 20;

/** @returns {Buffer[]} */
export function vectorFiles() {
  return readdirSync(vectors)
    .filter((name) => name.endsWith('.db.gz'))
    .toSorted()
    .map((name) => gunzipSync(readFileSync(join(vectors, name))))
    .filter(({ length }) => length >= 4096 && length <= largest);
}

/** A store of ours with some history in it. @param {import('@varve/kv').Location} location */
async function fill(location) {
  const kv = await open(location, { value: bytes });
  for (let round = 0; round < 30; round += 1) {
    await kv.write((section) => {
      for (let i = 0; i < 12; i += 1) section.put(`key/${(round * 7 + i) % 60}`, Buffer.alloc((i * 37) % 300, round));
    });
  }
  await kv.put('large', Buffer.alloc(50_000, 7));
  await kv.delete('key/3');
  await kv.close();
}

/** @param {string} folder for what is made on the way @returns {Promise<Buffer>} */
export async function ourFile(folder) {
  const path = join(folder, 'base.db');
  await fill(file(path));
  return readFileSync(path);
}

/**
 * The files of a LevelDB store, by name.
 * @param {string} folder
 * @returns {Promise<Map<string, Buffer>>}
 */
export async function ourFolder(folder) {
  const path = join(folder, 'base');
  mkdirSync(folder, { recursive: true });
  await fill(level(path));
  // A second run leaves a log beside the tables.
  const kv = await open(level(path), { value: bytes });
  await kv.put('last', Buffer.from('one'));
  await kv.close();
  return new Map(
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(path, name))]),
  );
}
