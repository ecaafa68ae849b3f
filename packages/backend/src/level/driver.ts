/** `classic-level`, loaded when a store is opened and not before (R73). */
import type { ChainedBatch, ClassicLevel, Iterator, Snapshot } from 'classic-level';
import { BackendError } from '../errors.ts';

export type Level = ClassicLevel<Uint8Array, Uint8Array>;
export type LevelClass = typeof ClassicLevel;
export type LevelSnapshot = Snapshot;
export type LevelIterator = Iterator<Level, Uint8Array, Uint8Array>;
export type LevelBatch = ChainedBatch<Level, Uint8Array, Uint8Array>;

const load = (): Promise<{ readonly ClassicLevel: LevelClass }> => import('classic-level');

/** @throws BackendError `BACKEND_UNAVAILABLE` when the package, or its binary for this platform, is missing */
export async function loadDriver(importer: typeof load = load): Promise<LevelClass> {
  try {
    return (await importer()).ClassicLevel;
  } catch (cause) {
    throw new BackendError(
      'BACKEND_UNAVAILABLE',
      `The LevelDB engine needs the package classic-level 3 with a binary for ${process.platform}-${process.arch}. ` +
        'Install it (npm install classic-level@3), or use @varve/backend/file or @varve/backend/memory',
      { cause },
    );
  }
}
