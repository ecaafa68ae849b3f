/** Opens on a disk of a test, in a world whose time goes by whenever somebody looks: work in slices rests now and then. */
import type { Files } from '@varve/base/files';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { openBolt, type Bolt, type OpenOptions } from '../src/index.ts';

/** Names are unique over all disks: those after a crash are other ones than those before. */
let unique = 0;

export function worldWith(files: Files): World {
  let now = 0;
  const clock = { ...nodeWorld.clock, now: () => ++now, turn: () => Promise.resolve(), pause: () => Promise.resolve() };
  return worldOf({
    clock,
    random: { ...nodeWorld.random, unique: () => `u${++unique}` },
    files,
    locks: nodeWorld.locks,
  });
}

export function openBoltOn(files: Files, path: string, options: OpenOptions = {}): Promise<Bolt> {
  return openBolt(path, { ...options, world: worldWith(files) });
}
