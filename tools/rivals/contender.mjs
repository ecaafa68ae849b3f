// @ts-check
/**
 * One writer who wants a store that others want, too: `node contender.mjs ENGINE STORE LOG NAME TURNS DEATH SEED`.
 *
 * Opens until it has the store, writes some rows, closes, and again, TURNS times. In turn DEATH (0: none) it kills itself
 * with a write under way. What it does is told in LOG, a file that all append to, one short line a write:
 *
 *   NAME begin TIME          it has the store
 *   NAME ack KEY VALUE TIME  that row is durable
 *   NAME end TIME            it is about to give the store back, or to die
 *
 * CN1  Times are nanoseconds of the machine's steady clock, the same for all processes, taken after the store was got and
 *     before it is given back. So two that overlap are two holders.
 * CN2  Everything but BACKEND_LOCKED, the answer of a store that somebody else has, ends it with code 3 and a complaint.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { file, level, log as logAt, open } from '@varve/kv';
import { randomOf } from '../run/random.mjs';

const patienceMs = 60_000;
const [engine, store = '', log = '', name = '', turns, death, seed] = process.argv.slice(2);
const random = randomOf(Number(seed));
const descriptor = openSync(log, 'a');

/** @param {string} text */
const tell = (text) => void writeSync(descriptor, `${name} ${text} ${process.hrtime.bigint()}\n`);

try {
  for (let turn = 1; turn <= Number(turns); turn += 1) await take(turn);
  closeSync(descriptor);
} catch (error) {
  process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 3;
}

/** @param {number} turn */
async function take(turn) {
  const kv = await opened();
  tell('begin');
  const rows = 1 + Math.floor(random() * 5);
  for (let row = 0; row < rows; row += 1) {
    const key = `${name}/${turn}/${row}`;
    const value = `${random()}`;
    const written = kv.put(key, value);
    if (turn === Number(death) && row === rows - 1) {
      written.catch(() => undefined);
      for (let turns = Math.floor(random() * 8); turns > 0; turns -= 1) await new Promise(setImmediate);
      tell('end');
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
    }
    await written;
    tell(`ack ${key} ${value}`);
  }
  tell('end');
  await kv.close();
}

/** @returns {Promise<import('@varve/kv').EmbeddedKv>} */
async function opened() {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const places = { file, level, log: logAt };
      return await open(places[/** @type {keyof typeof places} */ (engine)](store));
    } catch (error) {
      const { code } = /** @type {{ code?: unknown }} */ (error);
      if (code !== 'BACKEND_LOCKED' || performance.now() > until) throw error;
      await delay(random() * 20);
    }
  }
}
