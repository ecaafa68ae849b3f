// @ts-check
/**
 * One history: a seed and a number of steps, in a world of its own.
 *
 * SHI1  Each step has its own chance, by its number: leaving others out does not change what it tries.
 *
 * @typedef {object} Plan
 * @property {number} seed
 * @property {number} steps
 * @property {'memory' | 'file' | 'log'} engine
 * @property {ReadonlySet<string>} skip kinds of steps that do nothing
 * @property {boolean} lies whether the disk only says that it syncs
 * @property {boolean} times whether the stores note when revisions are written
 *
 * @typedef {object} Outcome
 * @property {unknown} violation absent where all laws hold
 * @property {number} steps those that were begun
 * @property {string} digest of everything that happened
 * @property {number} crashes
 * @property {number} saved openings from a saved index
 * @property {number} failures commits that failed
 * @property {number} revisions
 */
import { createHash } from 'node:crypto';
import { beginValues } from './calls.mjs';
import { turns } from './clock.mjs';
import { emptyDisk } from './disk.mjs';
import { Random } from '../../run/random.mjs';
import { anyStep, beginFollowers, steps } from './steps.mjs';
import { World } from './world.mjs';

/**
 * @param {Plan} plan
 * @param {import('./clock.mjs').SimulatedClock} clock
 * @param {(what: string) => void} [listen] to everything that happens
 * @returns {Promise<Outcome>}
 */
export async function runHistory({ seed, steps: count, engine, skip, lies, times }, clock, listen = () => {}) {
  clock.begin(seed);
  beginValues();
  beginFollowers();
  const digest = createHash('sha256');
  const note = (/** @type {string} */ what) => {
    digest.update(`${what}\n`);
    listen(what);
  };
  const world = new World(engine, new Random(seed, 2), clock, note, lies, times);
  const onRejection = (/** @type {unknown} */ error) => world.report(error);
  process.on('unhandledRejection', onRejection);
  let begun = 0;
  try {
    await world.open(emptyDisk);
    while (begun < count) {
      const random = new Random(seed, 3, begun);
      const name = anyStep(random, engine);
      begun++;
      if (skip.has(name)) continue;
      note(`step ${begun} ${name}`);
      await steps[name]?.run(world, random);
      await turns(random.below(4));
      world.seen = Math.max(world.seen, world.kv.revision);
      if (random.chance(0.6)) await world.settle();
      if (world.violation !== undefined) throw world.violation;
    }
    note('end');
    await world.finish();
    await turns(5);
    if (world.violation !== undefined) throw world.violation;
  } catch (error) {
    world.report(error);
    await world.kv?.close().catch(() => undefined);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  const { violation, crashes, saved, failures, model } = world;
  return { violation, steps: begun, digest: digest.digest('hex'), crashes, saved, failures, revisions: model.revision };
}
