// @ts-check
/**
 * Commands that fetch from a registry.
 *
 * DNL1  A connection that broke off, or a registry that was busy, is not what is tried: the command is run again, twice at the most. Not where
 *     there is no network, which nobody waits for.
 */
import { interrupted, run } from './child.mjs';

const mostTries = 3;

/** What npm and yarn say when there is nobody to reach. */
const nobodyThere = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/;
/** What they say when somebody was reached, or might have been. */
const brokenOff = /\b(ECONNRESET|ETIMEDOUT)\b/;

/**
 * Whether an output of npm or yarn says that there is no network.
 * @param {string} output
 */
export function saysNoNetwork(output) {
  return nobodyThere.test(output) || brokenOff.test(output);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} options
 * @returns {Promise<import('./child.mjs').Ended>} of the last try
 */
export async function download(command, args, options) {
  for (let tries = 1; ; tries++) {
    const ended = await run(command, args, options);
    if (ended.code === 0 || tries === mostTries || interrupted() || isInVain(ended.output)) return ended;
  }
}

/** @param {string} output */
function isInVain(output) {
  return nobodyThere.test(output) || output.includes('E404');
}
