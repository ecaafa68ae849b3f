// @ts-check
/**
 * One walk along the live road: a store is loaded, mirrored while it is written to, and left for the other one, while everything that takes part
 * is killed again and again; then what must hold is looked up in both histories.
 *
 * RDL1  What is killed when is told by how many writes have begun, and not by a clock: a slow machine kills as often as a fast one.
 * RDL2  What is compared is read anew from the stores; what the mirror says of itself is shown, and proves nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { bytes, connect } from '@varve/etcd';
import { compareStores } from '@varve/mirror';
import { Random } from '../../run/random.mjs';
import { MirrorProcess } from './mirror-process.mjs';
import { changesOf, difference, placesOf, tornRevisions, versionsAfter, versionsAt } from './story.mjs';
import { Writer } from './writer.mjs';

/** After which part of the writes what is killed: what comes early while the mirror copies, if that takes so long; the others once it follows. */
const early = 0.25;
const allKills = /** @type {const} */ ([
  [0.02, ['mirror']],
  [0.06, ['target']],
  [0.1, ['source']],
  [0.4, ['mirror']],
  [0.48, ['target']],
  [0.56, ['source']],
  [0.64, ['mirror']],
  [0.72, ['source', 'target']],
  [0.8, ['mirror', 'source']],
  [0.88, ['mirror', 'target']],
]);
/** For a short walk. */
const fewKills = /** @type {const} */ ([
  [0.1, ['mirror']],
  [0.4, ['source']],
  [0.7, ['mirror', 'target']],
]);
/** Operations of a transaction: below what a large one of the source has. */
const maxOps = 30;
const bigOps = 100;

/**
 * @typedef {{ keys: number, perSecond: number, seconds: number, seed: number, few: boolean }} Size
 * @typedef {{ source: import('./ends.mjs').End, target: import('./ends.mjs').End }} Ends
 */

/** @param {Ends} ends @param {Size} size @param {import('./checks.mjs').Check} checks */
export async function walkLive(ends, size, checks) {
  const { source, target } = ends;
  const random = new Random(size.seed);
  const from = await connect(source.name, { writeOrder: 'any', timeoutMs: 60_000 });
  const to = await connect(target.name, { timeoutMs: 60_000 });
  try {
    const writer = new Writer(from, { keys: size.keys, random, bigOps });
    await writer.load();
    const loaded = (await from.status()).revision;
    const mirror = new MirrorProcess(source.name, target.name, maxOps);
    try {
      const killed = await write(writer, ends, mirror, size, random);
      const began = performance.now();
      const { fenced, status } = await mirror.ask('fence');
      const fenceSeconds = ((performance.now() - began) / 1000).toFixed(1);
      const last = await mirror.ask('close');
      await mirror.kill();
      if (fenced === undefined) throw new Error('the mirror did not answer');
      process.stdout.write(`       ${killed}\n`);
      process.stdout.write(
        `       the mirror: ${mirror.copies} copies begun, ${mirror.events} changes followed, at most ${mirror.mostBehind} revisions behind, ${fenceSeconds} s for the fence\n`,
      );
      const late = last.status?.afterFence;
      checks.check('nothing was written behind the fence', status?.afterFence === 0 && late === 0);
      await verify(checks, ends, { from, to, loaded, written: writer.written, fenced, random });
    } finally {
      await mirror.kill();
    }
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

/** Writes, and kills what takes part. Returns what was killed, in words. @param {Writer} writer @param {Ends} ends @param {MirrorProcess} mirror @param {Size} size @param {Random} random */
async function write(writer, { source, target }, mirror, { perSecond, seconds, few }, random) {
  const parts = { source, target, mirror };
  const writes = perSecond * seconds;
  /** @type {Map<string, number>} */
  const killed = new Map();
  const due = [...(few ? fewKills : allKills)];
  let starting = Promise.resolve();
  /** @param {readonly ('source' | 'target' | 'mirror')[]} names @param {readonly string[]} phases */
  const kill = async (names, phases) => {
    await starting;
    await mirror.until(({ phase }) => phases.includes(phase));
    for (const name of names) {
      const what = `${name} while ${mirror.status?.phase}`;
      killed.set(what, (killed.get(what) ?? 0) + 1);
    }
    await Promise.all(names.map((name) => parts[name].kill()));
    starting = pause(random.between(50, 800)).then(() => names.forEach((name) => parts[name].start()));
  };
  const took = await writer.run(writes, perSecond, async (begun) => {
    const [next] = due;
    if (next === undefined || begun < next[0] * writes) return;
    due.shift();
    await kill(next[1], next[0] < early ? ['copying', 'following'] : ['following']);
  });
  await starting;
  mirror.throwIfFailed();
  const list = [...killed].map(([what, times]) => `${what} ${times}`).join(', ');
  return `${writes} writes in ${(took / 1000).toFixed(1)} s, ${writer.written.length} answered or given up; killed: ${list}`;
}

/**
 * @param {import('./checks.mjs').Check} checks
 * @param {Ends} ends
 * @param {{
 *   from: import('@varve/etcd').Kv, to: import('@varve/etcd').Kv, loaded: number, random: Random,
 *   written: readonly import('./writer.mjs').Written[], fenced: import('@varve/mirror').Fenced,
 * }} run
 */
async function verify(checks, ends, { from, to, loaded, random, written, fenced: { sourceRevision, targetRevision } }) {
  const codecs = { key: bytes, value: bytes, timeoutMs: 60_000 };
  const [first, second] = await Promise.all([connect(ends.source.name, codecs), connect(ends.target.name, codecs)]);
  /** @param {number} a @param {number} b */
  const compare = (a, b) => compareStores({ store: first, revision: a }, { store: second, revision: b });
  try {
    checkWrites(checks, written, await changesOf(from, loaded, sourceRevision));

    const whole = await compare(sourceRevision, targetRevision);
    checks.check(
      'at the fence both stores are equal',
      whole.equal,
      `${whole.keys} keys, ${whole.differences} differences, at ${sourceRevision} and ${targetRevision}`,
    );
    const places = await placesOf(to);
    const copied = places[0];
    if (copied === undefined) throw new Error('the target has no place of the mirror');
    const entire = places.filter(({ part }) => part === 0);
    for (const place of [copied, random.pick(entire), random.pick(entire)]) {
      const { equal, differences } = await compare(place.revision, place.target);
      const where = `source ${place.revision}, target ${place.target}, ${differences} differences`;
      checks.check('at a place that the mirror noted both were equal', equal, where);
    }

    const source = await changesOf(from, copied.revision, sourceRevision);
    const target = await changesOf(to, copied.target, targetRevision);
    const differs = difference(source, target);
    checks.check(
      'since the copy the target was told what the source was, in its order, nothing lost and nothing twice',
      differs === undefined,
      `${source.length} and ${target.length} changes${differs === undefined ? '' : `; ${differs}`}`,
    );
    const torn = tornRevisions(source, target, maxOps);
    checks.check(
      'what was one revision is one, or in no more parts than it must be',
      torn === 0,
      `${places.length} transactions of the mirror, ${torn} revisions torn`,
    );
    const expected = versionsAfter(await versionsAt(to, copied.target), source);
    const versions = await versionsAt(to, targetRevision);
    const wrong = [...versions].filter(([key, version]) => expected.get(key) !== version).length;
    checks.check(
      'each key of the target has as many versions as were written',
      wrong === 0 && versions.size === expected.size,
      `${versions.size} keys, ${wrong} wrong`,
    );
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

/**
 * What was answered is in the source, and what was refused is not. Of what nobody knows, either: it is counted.
 * @param {import('./checks.mjs').Check} checks @param {readonly import('./writer.mjs').Written[]} written @param {readonly import('./story.mjs').Change[]} changes
 */
function checkWrites(checks, written, changes) {
  const done = new Set(changes.map(({ key, value, revision }) => `${key} ${value} ${revision}`));
  const anywhere = new Set(changes.map(({ key, value }) => `${key} ${value}`));
  let [acknowledged, missing, refused, wronglyDone, unknown, cameTrue] = [0, 0, 0, 0, 0, 0];
  for (const { changes: wanted, revision, outcome } of written) {
    const all = [...wanted];
    if (outcome === 'done') {
      acknowledged++;
      if (revision !== undefined && !all.every(([key, value]) => done.has(`${key} ${value} ${revision}`))) missing++;
    } else if (all.some(([, value]) => value === undefined)) {
      // A deletion carries no name of its own.
      if (outcome === 'unknown') unknown++;
      else refused++;
    } else {
      const found = all.every(([key, value]) => anywhere.has(`${key} ${value}`));
      if (outcome === 'refused') {
        refused++;
        if (found) wronglyDone++;
      } else {
        unknown++;
        if (found) cameTrue++;
      }
    }
  }
  checks.check(
    'every acknowledged write is in the source, and no refused one',
    missing === 0 && wronglyDone === 0,
    `${acknowledged} acknowledged, ${refused} refused, ${unknown} of unknown outcome (${cameTrue} puts of these were done)`,
  );
}
