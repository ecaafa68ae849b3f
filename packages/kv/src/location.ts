/**
 * Where a store is: a folder, a BoltDB file, memory, or an engine of the caller's own.
 *
 * WHR1  Paths and options are checked before an engine is made; what an engine says of wrong arguments gets this package's
 *       code.
 */
import type { InvalidArgument } from '@varve/api';
import { checkNames, invalidType, kindOf } from '@varve/api/implement';
import type { Engine } from '@varve/backend';
import type { FileOptions } from '@varve/backend/file';
import type { FolderOptions } from '@varve/backend/folder';
import type { LevelOptions } from '@varve/backend/level';
import type { LogOptions } from '@varve/backend/log';
import { isEngine, mayBeEngine, withTurn, worldOf, type GivenEngine } from './given-engine.ts';
import { fromHere } from './here.ts';

/**
 * Where a store is: a folder, which is opened as what it is and becomes a log where there is no store yet; or an engine, which the store
 * takes over and closes.
 */
export type Location = string | GivenEngine;

/**
 * A folder of LevelDB files. The driver, `classic-level`, is installed beside (`npm install classic-level@3`) and loaded by the first call.
 * Rejects with `BACKEND_UNAVAILABLE` where it is not there.
 */
export async function level(path: string, options?: LevelOptions): Promise<Engine> {
  return withTurn(worldOf(options), async () => {
    checkEngine(path, options, levelNames, 'level');
    const place = options?.world === undefined ? fromHere(path) : path;
    const { levelEngine } = await import('@varve/backend/level');
    return withCode(() => levelEngine(place, options));
  });
}

/**
 * One BoltDB file, readable by etcd and bbolt. With `readOnly: true` it is not changed, nothing is made beside it, and
 * others may read it as well: what writes rejects with `BACKEND_READ_ONLY`, everything else works.
 */
export async function file(path: string, options?: FileOptions): Promise<Engine> {
  return withTurn(worldOf(options), async () => {
    checkEngine(path, options, fileNames, 'file');
    const place = options?.world === undefined ? fromHere(path) : path;
    const { fileEngine } = await import('@varve/backend/file');
    return withCode(() => fileEngine(place, options));
  });
}

/**
 * A folder of log segments, made for revisions: nothing native, nothing to install beside. With `readOnly: true` it is not changed,
 * and others may read it as well: what writes rejects with `BACKEND_READ_ONLY`, everything else works.
 */
export async function log(path: string, options?: LogOptions): Promise<Engine> {
  return withTurn(worldOf(options), async () => {
    checkEngine(path, options, logNames, 'log');
    const place = options?.world === undefined ? fromHere(path) : path;
    const { logEngine } = await import('@varve/backend/log');
    return withCode(() => logEngine(place, options));
  });
}

/** A folder as what it is; the backend chooses what a new one becomes (decisions/0038). */
async function folder(path: string, options: FolderOptions): Promise<Engine> {
  const place = options.world === undefined ? fromHere(path) : path;
  const { folderEngine } = await import('@varve/backend/folder');
  return withCode(() => folderEngine(place, options));
}

/** @throws TypeError `KV_INVALID` for what is neither a path nor an engine, nor the promise of one */
export function checkLocation(location: Location): void {
  if (typeof location === 'string') checkPath(location);
  else if (!mayBeEngine(location)) throw wrongLocation();
}

/** The engine of a location. @param options of the engine that is made of a path */
export async function engineAt(location: Location, options: FolderOptions): Promise<Engine> {
  const engine = await (typeof location === 'string' ? folder(location, options) : location);
  if (!isEngine(engine)) throw wrongLocation();
  return engine;
}

function checkPath(path: string): void {
  if (path === '') throw invalidType('the location must not be empty');
  if (path === ':memory:') throw invalidType('the location of a store in memory is memory(), not a path');
  if (path.includes('\0')) throw invalidType('the location must not have a zero character');
  const scheme = /^([a-z][a-z\d+-]+):\/\//i.exec(path)?.[1];
  if (scheme !== undefined)
    throw invalidType(
      `the location must be the path of a folder, or the name of a cluster as etcd://host:2379; there is no ${scheme}: here`,
    );
}

/** The options of the engines, by name; as objects, so that the compiler sees one that is missing. */
const levelNames: Record<keyof LevelOptions, true> = {
  create: true,
  cacheBytes: true,
  writeBufferBytes: true,
  verify: true,
  readOnly: true,
  world: true,
};
const logNames: Record<keyof LogOptions, true> = {
  create: true,
  readOnly: true,
  verify: true,
  segmentBytes: true,
  world: true,
};
const fileNames: Record<keyof FileOptions, true> = {
  create: true,
  readOnly: true,
  cacheBytes: true,
  lockTimeoutMs: true,
  world: true,
};

function checkEngine(path: unknown, options: object | undefined, names: object, call: string): void {
  if (typeof path !== 'string')
    throw invalidType(`the path must be a string, as in ${call}('store'), not ${kindOf(path)}`);
  if (path === '') throw invalidType(`the path must not be empty, as in ${call}('store')`);
  if (path.includes('\0')) throw invalidType('the path must not have a zero character');
  if (options !== undefined) checkNames(options, 'options', Object.keys(names));
}

/** What an engine says of wrong arguments, with this package's code. */
async function withCode<T>(opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } catch (error) {
    const invalid = (error instanceof TypeError || error instanceof RangeError) && !('code' in error);
    throw invalid ? Object.assign(error, { code: 'KV_INVALID' }) : error;
  }
}

function wrongLocation(): InvalidArgument {
  return invalidType(
    'the location must be the path of a folder or an engine: memory(), log(path), level(path) or file(path)',
  );
}
