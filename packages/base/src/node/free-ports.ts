/**
 * For tests: ports of this machine that nobody has, for servers that are to come at a known address, and come back to it.
 *
 * FPT1  The kernel gives none of them to anybody who asks for any port, or connects: what was free stays free until it is asked for by its number.
 * FPT2  Nobody else who asks here is handed one of them as long as this process lives: its UDP port, which no server of ours uses, is held until then.
 * FPT3  Drawn by chance: who asks for a port by its number, at the same time and without asking here, rarely means the same one.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Above what etcd's own end-to-end tests take, and below where Linux (32768), macOS and Windows (49152) begin to give. */
const all: readonly [first: number, behind: number] = [20_500, 32_000];
const mostTries = 1000;

/**
 * So many ports of 127.0.0.1, each another one.
 * @param among the first one that may be given, and the one behind the last
 * @throws Error where there are not so many
 */
export async function freePorts(
  count: number,
  among: readonly [first: number, behind: number] = all,
): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries === mostTries) throw new Error(`no ${count} free ports from ${among[0]} to ${among[1] - 1}`);
    const port = randomInt(...among);
    if (await take(port)) found.push(port);
  }
  return found;
}

/**
 * One port of 127.0.0.1.
 * @throws Error where there is none
 */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

/** Whether it was free, and is ours now. */
async function take(port: number): Promise<boolean> {
  const mark = createSocket('udp4');
  const server = createServer();
  try {
    const isMarked = once(mark, 'listening');
    mark.bind({ port, address: '127.0.0.1', exclusive: true });
    await isMarked;
    await once(server.listen({ port, host: '127.0.0.1', exclusive: true }), 'listening');
  } catch {
    mark.close();
    return false;
  }
  mark.unref();
  await once(server.close(), 'close');
  return true;
}
