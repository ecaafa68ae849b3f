// @ts-check
/** One attack, with the good client beside it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const attacker = fileURLToPath(new URL('attacker.mjs', import.meta.url));

/**
 * @typedef {object} Harm
 * @property {number} count how often the attack did what it does
 * @property {readonly string[]} failures of the good client
 * @property {number} before resident bytes of the server
 * @property {number} most meanwhile
 * @property {number} after
 *
 * @typedef {Harm & import('./good-client.mjs').Waits} Outcome
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
  // Linux shares a busy processor out between sessions first: what an attacker uses of it is not taken from what is attacked.
  const child = fork(attacker, [name, String(server.port), String(seconds)], { detached: true });
  const ended = once(child, 'exit').then(() => [-1]);
  await Promise.race([once(child, 'message'), ended]);
  client.begin();
  const answer = once(child, 'message');
  child.send('go', () => undefined);
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      // A page that is not answered is not what is measured here.
      most = Math.max(most, await server.residentBytes().catch(() => 0));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const [count] = await Promise.race([answer, ended]);
  const waits = await client.end();
  isOver = true;
  await sampling;
  const after = await server.residentBytes();
  return { ...waits, count, failures: client.failures, before, most: Math.max(most, after), after };
}
