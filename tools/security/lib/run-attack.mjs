// @ts-check
/** One attack, with the good client beside it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const attacker = fileURLToPath(new URL('attacker.mjs', import.meta.url));

/**
 * @typedef {object} Outcome
 * @property {number} count how often the attack did what it does
 * @property {number} calls of the good client
 * @property {number} medianMs
 * @property {number} longestMs
 * @property {readonly string[]} failures of the good client
 * @property {number} before resident bytes of the server
 * @property {number} most meanwhile
 * @property {number} after
 */

/**
 * @param {string} name
 * @param {import('./served.mjs').Served} server
 * @param {import('./good-client.mjs').GoodClient} client
 * @param {number} seconds
 * @returns {Promise<Outcome>}
 */
export async function runAttack(name, server, client, seconds) {
  const before = await server.residentBytes();
  let most = before;
  client.begin();
  const child = fork(attacker, [name, String(server.port), String(seconds)]);
  const answer = once(child, 'message');
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      // A page that is not answered is not what is measured here.
      most = Math.max(most, await server.residentBytes().catch(() => 0));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const [count] = await Promise.race([answer, once(child, 'exit').then(() => [-1])]);
  const { calls, medianMs, longestMs } = await client.end();
  isOver = true;
  await sampling;
  const after = await server.residentBytes();
  return { count, calls, medianMs, longestMs, failures: client.failures, before, most: Math.max(most, after), after };
}
