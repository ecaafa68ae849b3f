/**
 * `@varve/backend/folder`: a folder as what it is, LevelDB's or a log's; where there is no store yet, the default is made.
 *
 * FLD1  The default is chosen here and nowhere else (decisions/0038). A store stays what it was made as, whatever the default becomes.
 * FLD2  An engine is loaded when a folder is its store, and not before.
 */
import { check, checkOptions, isBoolean, isPath, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { isWorld, type World } from '@varve/base/world';
import type { Engine } from '../contract/engine.ts';
import { folderKind } from './folder-kind.ts';

/** An engine whose store is a folder. */
export type FolderKind = 'level' | 'log';

/** What becomes of a folder that is no store yet. */
export const DEFAULT_KIND: FolderKind = 'log';

export interface FolderOptions {
  /** Make the store when there is none. @default true */
  readonly create?: boolean | undefined;
  /** Read and check every byte while opening. @default as the engine does: LevelDB does, a log does not */
  readonly verify?: boolean | undefined;
  /** For tests: `@varve/base/world`, given to the engine as it is. @default Node's */
  readonly world?: World | undefined;
}

const rules: Rules<FolderOptions> = { create: isBoolean, verify: isBoolean, world: isWorld };

/**
 * Opens the store of a folder with the engine that made it. An empty folder becomes a store of the default engine, and so does a path
 * where there is nothing.
 * @throws BackendError as the engine does, also `BACKEND_UNAVAILABLE` for a LevelDB store where `classic-level` is not installed
 * @throws TypeError or RangeError for a wrong argument
 */
export async function folderEngine(path: string, options: FolderOptions = {}): Promise<Engine> {
  check(path, 'path', isPath);
  checkOptions(options, rules);
  const { world = nodeWorld } = options;
  if (world.folders === undefined) throw new TypeError('options.world must have folders for this engine');
  const kind = (await folderKind(world.folders, path)) ?? DEFAULT_KIND;
  if (kind === 'level') return (await import('./level/index.ts')).levelEngine(path, options);
  // A kind that is not known here is refused by it as a store of another kind.
  return (await import('./log/index.ts')).logEngine(path, options);
}
