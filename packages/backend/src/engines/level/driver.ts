/** `classic-level`, an optional peer, loaded when a store is opened and not before (R73). */
import { createRequire } from 'node:module';
import type { ChainedBatch, ClassicLevel, Iterator, Snapshot } from 'classic-level';
import { BackendError } from '../../contract/errors.ts';

export type Level = ClassicLevel<Uint8Array, Uint8Array>;
export type LevelClass = typeof ClassicLevel;
export type LevelSnapshot = Snapshot;
export type LevelIterator = Iterator<Level, Uint8Array, Uint8Array>;
export type LevelBatch = ChainedBatch<Level, Uint8Array, Uint8Array>;

/** The versions whose LevelDB is the one that this folder was written for: 1.20. */
const KNOWN = /^3\.0\.\d+$/;

const load = (): Promise<{ readonly ClassicLevel: LevelClass }> => import('classic-level');

/** @throws BackendError `BACKEND_UNAVAILABLE` when the package, or its binary for this platform, is missing */
export async function loadDriver(importer: typeof load = load): Promise<LevelClass> {
  try {
    return (await importer()).ClassicLevel;
  } catch (cause) {
    throw new BackendError(
      'BACKEND_UNAVAILABLE',
      `A LevelDB store needs the package classic-level 3 with a binary for ${process.platform}-${process.arch}, which is not ` +
        'installed with varve. Install it: npm install classic-level@3. A new store needs nothing beside as a log ' +
        '(@varve/backend/log), in one file (@varve/backend/file) or in memory (@varve/backend/memory)',
      { cause },
    );
  }
}

/** What fills a batch. */
export interface BatchRows {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

/** What a chained batch of a known driver does in the end, without asking for options, encodings, hooks and listeners. */
interface DirectBatch {
  _put?(key: Uint8Array, value: Uint8Array): void;
  _del?(key: Uint8Array): void;
}

/**
 * Fills a batch with bytes as they are. Its public calls make a dozen objects a row and take twice the time of LevelDB's own part;
 * a known driver is called below them. One public call must come before the batch is written, which counts only those.
 */
export function rowsOf(batch: LevelBatch, isKnown: boolean): BatchRows {
  const direct = batch as DirectBatch;
  if (isKnown && typeof direct._put === 'function' && typeof direct._del === 'function') {
    return { put: (key, value) => direct._put!(key, value), delete: (key) => direct._del!(key) };
  }
  return { put: (key, value) => void batch.put(key, value), delete: (key) => void batch.del(key) };
}

const readVersion = (): unknown => createRequire(import.meta.url)('classic-level/package.json');

/**
 * Whether it is one whose files, words and lists are known here. Another one is used as LevelDB's interface is documented:
 * scans are left to its iterator.
 */
export function isKnownDriver(read: () => unknown = readVersion): boolean {
  try {
    const { version } = read() as { readonly version?: unknown };
    return typeof version === 'string' && KNOWN.test(version);
  } catch {
    return false; // its package.json is not to be had, as in a bundle
  }
}
