// @ts-check
/**
 * Ports of this machine that nobody has, for servers in processes of their own, which may be ended and come back to the same port.
 *
 * FPT1  The kernel gives none of them to anybody who asks for any port, or connects: what was free stays free until it is asked for by its number.
 * FPT2  Drawn by chance, so that test files which run at the same time do not ask for the same ones.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Above what etcd's own end-to-end tests take, and below where Linux (32768), macOS and Windows (49152) begin to give. */
const [first, behind] = [20_500, 32_000];

/** @param {number} count @returns {Promise<number[]>} each another one */
export async function freePorts(count) {
  /** @type {Set<number>} */
  const found = new Set();
  for (let tries = 0; found.size < count && tries < 1000; tries++) {
    const port = randomInt(first, behind);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new Error(`no ${count} free ports from ${first} on`);
  return [...found];
}

/** @returns {Promise<number>} */
export async function freePort() {
  return /** @type {number} */ ((await freePorts(1))[0]);
}

/** @param {number} port */
async function isFree(port) {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
