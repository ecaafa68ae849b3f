/** The two halves of the saved index in one: loaded only by a store that has a place for it (`restore.ts`). */
import type { History } from '../history.ts';
import type { StoreObserver } from '../observer.ts';
import { Checkpoints } from './checkpoints.ts';
import { readCheckpoint } from './read-checkpoint.ts';

export interface SavedIndex {
  /** Loads the saved index, or says why not. */
  readonly read: typeof readCheckpoint;
  /** Saves the index of a history when that is due. @param every records; 0: never */
  readonly keep: (history: History, observers: readonly StoreObserver[], every: number) => Checkpoints;
}

export const savedIndex: SavedIndex = {
  read: readCheckpoint,
  keep: (history, observers, every) => new Checkpoints(history, observers, every),
};
