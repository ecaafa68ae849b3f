// @ts-check
/**
 * Runs the suite for every `Kv` on one kind of store: a line for each scenario that fails, and `N of M hold` at the end. It starts and ends what
 * it needs.
 *
 * KVM1  With `--kill` a member of the cluster is killed and brought back under every scenario. A write whose answer is lost then ends with
 *      KV_UNKNOWN_OUTCOME, as it must, and the scenario that met it is run again on a new cluster; how often is said. So is the one that
 *      keeps a lease of a second alive: it cannot be renewed while there is no leader, which takes as long.
 */
import { kvConformance } from '@varve/api/conformance';
import { flagsOf, refuse } from '../run/flags.mjs';
import { groups, targets } from './lib/kv-targets.mjs';

const shown = ['memory', 'level', 'file', 'log', 'serve', 'single', 'cluster', 'follower'];
const usage = `node tools/conformance/kv.mjs --target ${shown.join('|')} [--kill] [--only KEY]
  serve: log and file behind varve serve; single: one etcd, follower: a follower of it; cluster: three, with --kill a member is
  killed and brought back; --only: the scenarios whose key begins so, such as watch/`;
/** A scenario that takes so long waits for what never comes. */
const longestMs = 300_000;
/** Runs of a scenario that meets unknown outcomes. */
const mostRuns = 10;

const { target, only } = options();
let [held, count, repeated, tooLate, kills] = [0, 0, 0, 0, 0];
for (const name of groups[target] ?? [target]) await runTarget(name);
if (kills > 0)
  process.stdout.write(
    `${kills} members killed; run again: ${repeated} with an unknown outcome, ${tooLate} with a lease that had no leader\n`,
  );
process.stdout.write(`${held} of ${count} hold\n`);
// What a failed scenario left open must not keep the process.
process.exit(held === count ? 0 : 1);

/** @param {string} name */
async function runTarget(name) {
  const { open, reopen, after, end, kills: killed } = make(name);
  /** @type {[string, () => Promise<void>][]} */
  const scenarios = [];
  kvConformance({ test: (title, body) => scenarios.push([title, body]), open, reopen });
  try {
    for (const [title, body] of scenarios) {
      if (!title.startsWith(only)) continue;
      count += 1;
      let failure = await outcome(body, after);
      for (let runs = 1; killed !== undefined && failure !== undefined && runs < mostRuns; runs++) {
        if (isUnknown(failure)) repeated += 1;
        else if (title.startsWith('leases/keep-alive')) tooLate += 1;
        else break;
        failure = await outcome(body, after);
      }
      if (failure === undefined) held += 1;
      else process.stdout.write(`${title} -- ${name}: ${failure.text}\n`);
    }
  } finally {
    kills += killed?.() ?? 0;
    await end();
  }
}

/** @param {string} name */
function make(name) {
  try {
    const target = /** @type {() => import('./lib/kv-targets.mjs').Target} */ (targets[name]);
    return target();
  } catch (error) {
    return refuse(usage, error instanceof Error ? error.message : String(error));
  }
}

/** @returns {{ target: string, only: string }} */
function options() {
  const { flags } = flagsOf(usage, {
    target: { type: 'string', default: '' },
    kill: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  });
  const { target, kill, only } = flags;
  if (target === '') return refuse(usage, 'Say which --target.');
  if (!shown.includes(target)) return refuse(usage, `There is no target ${JSON.stringify(target)}.`);
  if (kill && target !== 'cluster') return refuse(usage, '--kill is for the target cluster.');
  return { target: kill ? 'cluster-kill' : target, only };
}

/**
 * What went wrong, in one line; `undefined` where nothing did.
 * @param {() => Promise<void>} body
 * @param {(() => Promise<void>) | undefined} after
 */
async function outcome(body, after) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${longestMs / 1000} seconds`)), longestMs);
  });
  try {
    await Promise.race([body(), late]);
    return undefined;
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
    return { text, code: rootCode(error) };
  } finally {
    clearTimeout(timer);
    await after?.();
  }
}

/** @param {{ text: string, code: string | undefined }} failure some scenarios compare codes, so that it is in the text only */
function isUnknown({ text, code }) {
  return code === 'KV_UNKNOWN_OUTCOME' || text.includes('KV_UNKNOWN_OUTCOME');
}

/** The code of an error, or of what it was caused by: the suite wraps what random histories meet. @param {unknown} error */
function rootCode(error) {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && typeof one.code === 'string') return one.code;
  }
  return undefined;
}
