/**
 * An engine that the caller gives, and the memory engine: what opening needs where there are no paths.
 *
 * GEN1  An engine that was handed over for nothing is closed.
 */
import { checkNames, invalidType, isThenable, outOfRange } from '@varve/api/implement';
import { discardEngine, type Engine } from '@varve/backend';
import { memoryEngine, type MemoryEngine, type MemoryOptions } from '@varve/backend/memory';
import { hostWorld } from '@varve/base/host';
import { check, type Faults } from '@varve/base/options';
import { isWorld, type World } from '@varve/base/world';

/** An engine, which the store takes over and closes. */
export type GivenEngine = Engine | Promise<Engine>;

/** A store in memory: nothing outlives the process. */
export function memory(options?: MemoryOptions): MemoryEngine {
  if (options !== undefined) checkNames(options, 'options', Object.keys(memoryNames));
  checkWorld(options?.world);
  return memoryEngine(options);
}

/** The options of the engine, by name; as an object, so that the compiler sees one that is missing. */
const memoryNames: Record<keyof MemoryOptions, true> = { world: true };

/** Closes an engine that was handed over for nothing. */
export async function discard(given: string | GivenEngine): Promise<void> {
  if (typeof given === 'string') return;
  try {
    const engine = await given;
    if (isEngine(engine)) await discardEngine(engine);
  } catch {
    // The reason why the location was given up is on its way to the caller already.
  }
}

const engineMembers = ['get', 'scan', 'buckets', 'pin', 'commit', 'compact', 'close'] as const;

export function isEngine(given: unknown): given is Engine {
  const engine = given as Partial<Engine> | null | undefined;
  return engineMembers.every((member) => typeof engine?.[member] === 'function');
}

/** Neither an engine nor the promise of one is refused. */
export function mayBeEngine(given: unknown): boolean {
  return isThenable(given) || isEngine(given);
}

/** Opens, and gives others a turn behind it: programs try again and again while another one has the store. */
export async function withTurn<T>({ slice }: World, opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } finally {
    if (slice.over()) await slice.next();
  }
}

/** The world of options that were not checked yet. */
export function worldOf(options: unknown): World {
  const { world } = Object(options) as { readonly world?: unknown };
  return isWorld.isKind(world) ? (world as World) : hostWorld;
}

const faults: Faults = { type: invalidType, range: outOfRange };

/** @throws TypeError `KV_INVALID` for what is given for a world and is none */
export function checkWorld(world: unknown): void {
  if (world !== undefined) check(world, 'world', isWorld, faults);
}
