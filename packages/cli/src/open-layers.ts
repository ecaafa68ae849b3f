/**
 * The store that is served, layer by layer.
 *
 * VOL1  As etcd: leases of two seconds at least, a thousand a second that run out, and deletions of any number of keys. Such a deletion is one
 *     section, in which nothing else runs (law 10): some microseconds a key.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { file, level, log, memory } from '@varve/kv';
import { BackendError, openLayers as openStoreLayers, type Layers, type Location } from '@varve/kv/layers';
import type { EngineName } from './serve-options.ts';

/** The file that marks the store of an engine with a folder. */
const OTHER_ENGINE = 'VARVE';
/** The BoltDB file, in a folder that has nothing else of ours. */
const FILE = 'db';

export async function openLayers(engine: EngineName | undefined, data: string): Promise<Layers> {
  return layersOver(await placeOf(engine, data));
}

/** Whether there is a store where an etcd has its own. */
export function hasEtcdStore(data: string): boolean {
  return existsSync(join(data, 'member', 'snap', 'db'));
}

/** The store where an etcd has its own: `member/snap/db` of its data folder. */
export async function openEtcdLayers(data: string): Promise<Layers> {
  const [wal, snap] = [join(data, 'member', 'wal'), join(data, 'member', 'snap')];
  if (existsSync(wal)) {
    const why = `${data} has the write-ahead log of an etcd, with writes that may not be in its database yet`;
    const advice = 'take a snapshot with etcdctl, and put the file to member/snap/db of a new folder';
    throw new BackendError('BACKEND_FOREIGN', `${why}; it was left as it is: ${advice}`);
  }
  await makeFolder(snap);
  return layersOver(await file(join(snap, 'db')));
}

function layersOver(place: Location): Promise<Layers> {
  const lessor = { minTtl: 2, expiryRate: 1000 };
  return openStoreLayers(place, { maxDeletes: Number.MAX_SAFE_INTEGER, lessor });
}

async function placeOf(engine: EngineName | undefined, data: string): Promise<Location> {
  if (engine === undefined) {
    const names = await readdir(data).catch((): string[] => []); // what is wrong there is said when it is opened
    return names.includes(FILE) && !names.includes(OTHER_ENGINE) ? file(join(data, FILE)) : data;
  }
  if (engine === 'memory') return memory();
  if (engine === 'level') return level(data);
  if (engine === 'log') return log(data);
  await makeFolder(data);
  // A file beside another engine's store would look as if everything were lost.
  if ((await readdir(data)).includes(OTHER_ENGINE)) {
    const advice = 'Give the --engine that made it, or another folder with --data';
    throw new BackendError('BACKEND_FOREIGN', `${data} is a store of another kind; it was left as it is. ${advice}`);
  }
  return file(join(data, FILE));
}

/** @throws BackendError `BACKEND_FOREIGN` where something else is in its place, or in that of a folder above */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw cause;
    const why = `${path} is no folder, or lies below something that is none`;
    throw new BackendError('BACKEND_FOREIGN', `${why}; it was left as it is. Choose another path`, { path, cause });
  }
}
