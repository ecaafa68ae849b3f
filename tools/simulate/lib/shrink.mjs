// @ts-check
/**
 * A smaller plan that breaks a law, too: fewer steps, then fewer kinds of steps.
 *
 * SSH1  Each try is a process of its own, as the command that is printed will be.
 *
 * @typedef {import('./history.mjs').Plan} Plan
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { steps } from './steps.mjs';

const program = fileURLToPath(new URL('../../simulate.mjs', import.meta.url));
const longestTryMs = 60_000;

/**
 * The command that breaks a law with as little as was found; `undefined` where the plan alone breaks none.
 * @param {Plan} plan that broke a law
 * @param {number} begun steps it came to
 */
export function shrink(plan, begun) {
  /** @type {Plan | undefined} */
  let smallest;
  const breaks = (/** @type {Plan} */ tried) => {
    if (tried.steps < 1) return false;
    const args = [program, ...argumentsOf(tried), '--whole'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: longestTryMs });
    if (status !== 1) return false;
    const step = Number(/^FAULT seed \d+, step (\d+):/m.exec(stdout)?.[1] ?? tried.steps);
    smallest = { ...tried, steps: Math.max(1, Math.min(tried.steps, step)) };
    return true;
  };
  if (!breaks({ ...plan, steps: Math.max(1, begun) }) && !breaks(plan)) return undefined;
  let found = smallest ?? plan;
  for (const kind of Object.keys(steps)) {
    if (!found.skip.has(kind)) breaks({ ...found, skip: new Set([...found.skip, kind]) });
    found = smallest ?? found;
  }
  for (let cut = Math.floor(found.steps / 2); cut >= 1; cut = Math.floor(cut / 2)) {
    while (breaks({ ...found, steps: found.steps - cut })) found = smallest ?? found;
  }
  return commandOf(found);
}

/** The command that runs a plan. @param {Plan} plan @param {number} [histories] */
export function commandOf(plan, histories) {
  return [
    'node tools/simulate.mjs',
    ...argumentsOf(plan),
    ...(histories === undefined ? [] : ['--histories', histories]),
  ].join(' ');
}

/** @param {Plan} plan @returns {string[]} */
function argumentsOf({ seed, steps: count, engine, skip, lies, times }) {
  const args = ['--seed', String(seed), '--steps', String(count), '--engine', engine];
  if (skip.size > 0) args.push('--skip', [...skip].join(','));
  if (lies) args.push('--lies');
  if (times) args.push('--times');
  return args;
}
