// @ts-check
/**
 * A process that does the work of clients.mjs with one client of Node, as go/clients.go does it with that of Go: a line of JSON each figure.
 *
 *   node client-work.mjs KIND HOST:PORT KEYS SECONDS
 */
import { kinds } from './client-kinds.mjs';
import { keyOf } from './client-keys.mjs';
import { pct, sorted } from './stats.mjs';

const [, , kind = '', member = '', keysText = '', secondsText = ''] = process.argv;
const keys = Number(keysText);
const windowMs = 1000 * Number(secondsText);
const value = 'x'.repeat(256);
const client = await (kinds[kind] ?? missing)(member);

const at = (/** @type {number} */ g, /** @type {number} */ i) => (g * 7919 + i * 31) % (keys - 100);
const own = (/** @type {number} */ g, /** @type {number} */ i) => keyOf('d', g * 1_000_000 + (i % 1000));
await warmUp();
await rates('put', (g, i) => client.put(own(g, i), value));
await rates('get', async (g, i) => {
  if ((await client.get(keyOf('k', at(g, i))))?.length !== value.length) throw new Error('a key is missing');
});
await rates('range of 100', async (g, i) => {
  const found = await client.range(keyOf('k', at(g, i)), keyOf('k', at(g, i) + 100));
  if (found !== 100) throw new Error('a range is short');
});
await rates('txn', (g, i) => client.txn(own(g, i), value));
await latency();
await history();
await client.close();
process.exit(0);

/** What compiles as it goes does so here: clients run for days. */
async function warmUp() {
  const began = performance.now();
  for (let i = 0; performance.now() - began < 2 * windowMs; i++) {
    const key = keyOf('d', i % 1000);
    const calls = [client.put(key, value), client.get(key), client.range(keyOf('k', 0), keyOf('k', 100))];
    await Promise.all([...calls, client.txn(key, value)]);
  }
}

/** @param {string} name @param {(g: number, i: number) => Promise<unknown>} call */
async function rates(name, call) {
  for (const atOnce of [1, 64]) {
    const title = `${name}, ${atOnce} at once`;
    /** @type {number[]} */
    const took = [];
    const done = measured(title);
    const began = performance.now();
    const caller = async (/** @type {number} */ g) => {
      for (let i = 0; performance.now() - began < windowMs; i++) {
        const before = performance.now();
        await call(g, i);
        took.push(performance.now() - before);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, g) => caller(g)));
    const ms = performance.now() - began;
    emit(title, (1000 * took.length) / ms);
    emit(`${title}.p99`, 1000 * pct(sorted(took), 0.99));
    done(took.length);
  }
}

/** From the call of a put to its event, at the same client. */
async function latency() {
  let wake = () => {};
  const end = await client.watch('/bench/w/', undefined, () => wake());
  // Who tells too early when a watch has begun has begun by then.
  await new Promise((resolve) => setTimeout(resolve, 100));
  /** @type {number[]} */
  const took = [];
  const done = measured('put to event');
  for (const began = performance.now(); performance.now() - began < windowMs;) {
    const seen = /** @type {Promise<void>} */ (new Promise((resolve) => (wake = resolve)));
    const before = performance.now();
    const put = client.put(keyOf('w', 0), value);
    await seen;
    took.push(performance.now() - before);
    await put;
  }
  emit('put to event', 1000 * pct(sorted(took), 0.5));
  emit('put to event.p99', 1000 * pct(sorted(took), 0.99));
  done(took.length);
  await end();
}

/** What was loaded before, from the first of its revisions on, again and again. */
async function history() {
  const done = measured('events of history');
  const began = performance.now();
  let got = 0;
  while (performance.now() - began < windowMs) {
    let one = 0;
    /** @type {() => void} */
    let wake = () => {};
    const all = /** @type {Promise<void>} */ (new Promise((resolve) => (wake = resolve)));
    const end = await client.watch('/bench/k/', 1, () => {
      if (++one === keys) wake();
    });
    await all;
    got += one;
    await end();
  }
  emit('events of history', (1000 * got) / (performance.now() - began));
  done(got);
}

/** The CPU of this process for each call. @param {string} title */
function measured(title) {
  const before = process.cpuUsage();
  return (/** @type {number} */ calls) => {
    const { user, system } = process.cpuUsage(before);
    emit(`${title}.cpu`, (user + system) / calls);
  };
}

/** @param {string} m @param {number} v */
function emit(m, v) {
  process.stdout.write(`${JSON.stringify({ m, v })}\n`);
}

/** @returns {never} */
function missing() {
  throw new Error(`there is no client ${kind}`);
}
