/**
 * Everything a store asks of the world (law 11): `open()` is given one, and each layer hands it down. Sockets are no part of it (decisions/0047).
 *
 * WLD1  A world is made once and not changed. The same world, given the same calls, gives the same run.
 * WLD2  What is shared by all stores of a world, such as the slice of a turn, lies in it: no module has a state of its own.
 */
import type { Clock } from './clock.ts';
import type { Files } from './files.ts';
import type { Folders } from './folders.ts';
import type { Locks } from './locks.ts';
import type { Rule } from './options.ts';
import { TurnSlice } from './pace.ts';

export interface Random {
  /** So many bytes that nobody can guess, in an array of their own. */
  readonly bytes: (count: number) => Uint8Array;
  /** A text that no other call gives, in whatever process; it may be part of a file's name. */
  readonly unique: () => string;
}

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  /** For stores that have a folder; absent where there are none in this world. */
  readonly folders?: Folders | undefined;
  readonly locks: Locks;
  /** The slice of the turn under way, which many short calls share (law 10). */
  readonly slice: TurnSlice;
}

/** A world of these parts. */
export function worldOf(parts: Omit<World, 'slice'>): World {
  return { ...parts, slice: new TurnSlice(parts.clock) };
}

/** What is given for a world must be one. */
export const isWorld: Rule = {
  what: 'a world, as worldOf makes it',
  isKind: (value) => {
    const world = value as Partial<World> | null;
    return (
      typeof world?.clock?.now === 'function' &&
      typeof world.random?.unique === 'function' &&
      typeof world.files?.open === 'function' &&
      typeof world.locks?.takeStoreLock === 'function' &&
      typeof world.slice?.over === 'function'
    );
  },
};
