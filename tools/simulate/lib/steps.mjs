// @ts-check
/**
 * What may happen next, by name; each with its weight among all.
 *
 * @typedef {import('./world.mjs').World} World
 * @typedef {import('../../run/random.mjs').Random} Random
 * @typedef {{ readonly weight: number, readonly run: (world: World, random: Random) => void | Promise<void>, readonly fileOnly?: boolean }} Step
 */
import { anyCall, calls } from './calls.mjs';
import { turns } from './clock.mjs';
import { Follower } from './follower.mjs';

const mostFollowers = 6;
let followers = 0;

/** @param {(random: Random) => import('./calls.mjs').Call} make @param {number} weight @returns {Step} */
function call(make, weight) {
  return { weight, run: (world, random) => void world.ledger.make(make(random), world.kv) };
}

/** @type {Readonly<Record<string, Step>>} */
export const steps = {
  put: call(calls.put, 14),
  delete: call(calls.delete, 8),
  txn: call(calls.txn, 9),
  section: call(calls.section, 7),
  transaction: call(calls.transaction, 6),
  burst: {
    weight: 12,
    async run(world, random) {
      for (let left = random.between(2, 12); left > 0; left--) {
        world.ledger.make(anyCall(random), world.kv);
        if (random.chance(0.2)) await turns(random.below(3));
      }
    },
  },
  compact: {
    weight: 5,
    run(world, random) {
      const lowest = world.compactAsked + 1;
      if (lowest > world.model.revision) return;
      const revision = random.between(lowest, world.model.revision);
      world.compactAsked = revision;
      world.compactedAt.add(revision);
      world.chore(`compact ${revision}`, world.kv.compact(revision, { physical: random.chance(0.4) }), () => {
        world.compactAnswered = Math.max(world.compactAnswered, revision);
      });
    },
  },
  read: {
    weight: 8,
    run(world, random) {
      world.readSoon(random.between(Math.max(1, world.compactAsked), world.kv.revision));
    },
  },
  watch: {
    weight: 5,
    run(world, random) {
      if (world.followers.length >= mostFollowers) return;
      const from = random.chance(0.3)
        ? random.between(1, world.kv.revision)
        : random.between(Math.max(1, world.kv.revision - 5), world.kv.revision + 1);
      const follower = new Follower(`watcher ${++followers}`, random, from, world);
      world.followers.push(follower);
      follower.start(world.kv);
    },
  },
  unwatch: {
    weight: 2,
    async run(world, random) {
      const [follower] = world.followers.splice(random.below(world.followers.length), 1);
      if (follower !== undefined) world.chore('unwatch', follower.close());
    },
  },
  time: { weight: 4, run: (_, random) => turns(random.below(150)) },
  commit: { weight: 2, run: (world) => world.chore('commit', world.kv.commit()) },
  settle: {
    weight: 4,
    async run(world) {
      await world.calm();
      await world.commit();
    },
  },
  defrag: { weight: 2, run: (world) => world.chore('defrag', world.kv.defrag()) },
  reopen: { weight: 2, fileOnly: true, run: (world) => world.reopen() },
  crash: {
    weight: 6,
    fileOnly: true,
    async run(world, random) {
      const { disk } = world;
      if (disk === undefined) return;
      const kind = random.chance(0.6) ? 'power' : 'process';
      if (random.chance(0.7)) {
        // In the middle of what some calls make it do.
        disk.crashKind = kind;
        disk.crashAt = disk.calls + random.between(1, 15);
        for (let left = random.between(1, 8); left > 0; left--) {
          world.ledger.make(anyCall(random), world.kv);
          await turns(random.below(4));
        }
        if (random.chance(0.2)) world.chore('defrag', world.kv.defrag());
        for (let left = 200; left > 0 && disk.left === undefined; left--) await turns(1);
      }
      await world.crash(kind);
    },
  },
  fault: {
    weight: 3,
    fileOnly: true,
    run(world, random) {
      const { disk } = world;
      if (disk === undefined) return;
      disk.fault = { call: disk.calls + random.between(1, 20), code: random.pick(['EIO', 'ENOSPC']) };
    },
  },
};

/** Names of watchers begin anew. */
export function beginFollowers() {
  followers = 0;
}

/** @param {Random} random @param {'memory' | 'file' | 'log'} engine */
export function anyStep(random, engine) {
  const possible = Object.entries(steps).filter(([, step]) => engine !== 'memory' || step.fileOnly !== true);
  const total = possible.reduce((sum, [, { weight }]) => sum + weight, 0);
  let dice = random.below(total);
  for (const [name, { weight }] of possible) {
    dice -= weight;
    if (dice < 0) return name;
  }
  return 'put';
}
