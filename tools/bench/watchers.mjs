// @ts-check
// What ten thousand watchers, late ones and one that never reads cost, on one store.
//   node --expose-gc tools/bench/watchers.mjs [--engine level|log|file|memory] [--only puts,late,sleeper,behind] [--scale 1]
//
// puts     put rate with no watcher and with 10,000, on other keys than those put and on the same ones, all on one stream
//          and each on a stream with a reading loop of its own; ratios between neighbours in time
// late     100,000 events of history to 1 and to 1,000 late watchers, in turns
// sleeper  1,000,000 events to 1,000 readers, with and without one watcher of everything that never reads, in turns; heap on
//          the way
// behind   a watcher opened 1,000,000 events late while writes go on; the put rate meanwhile against that before and after
//
// Ratios are medians of those between neighbours in time, of wall and of CPU time: other programs disturb both alike.
//
// Each counts and checks the order of what arrives, and ends with 1 when an event is missing or out of turn.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DEFAULT_KIND } from '@varve/backend/folder';
import { flagsOf, refuse } from '../run/flags.mjs';
import { openBackend } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { logEngine } from '@varve/backend/log';
import { memoryEngine } from '@varve/backend/memory';
import { openWatchableStore } from '@varve/watch';
import { key, makeValues } from './lib/gen.mjs';
import { median, statusKB } from './lib/stats.mjs';

const OTHER = '/bench/o/';
const PUT = '/bench/w/';
const everything = /** @type {const} */ ([Buffer.from(PUT), Buffer.from('/bench/w0')]);

const usage = `node --expose-gc tools/bench/watchers.mjs [--engine level|log|file|memory] [--only puts,late,sleeper,behind] [--scale 1]
  what ten thousand watchers, late ones and one that never reads cost; ends with 1 when an event is missing or out of turn`;
const { flags } = flagsOf(usage, {
  engine: { type: 'string', default: DEFAULT_KIND },
  only: { type: 'string', default: 'puts,late,sleeper,behind' },
  scale: { type: 'string', default: '1' },
});
const scale = Number(flags.scale);
/** @typedef {import('@varve/watch').WatchableStore} Store */
/** @typedef {import('@varve/watch').WatchStream} Stream */
/** @typedef {{ ms: number, cpuMs: number }} Took */

const scaled = (/** @type {number} */ count) => Math.max(10, Math.round(count * scale));
const values = makeValues(256);
const now = () => performance.now();
const rate = (/** @type {number} */ count, /** @type {number} */ ms) => `${((count / ms) * 1000).toFixed(0)}/s`;
/** @type {(name: string, ...figures: string[]) => void} */
const say = (name, ...figures) => void process.stdout.write(`${name.padEnd(44)}${figures.join('  ')}\n`);

/** @type {Readonly<Record<string, (dir: string) => Promise<import('@varve/backend').Engine>>>} */
const engines = {
  level: (dir) => levelEngine(join(dir, 'store')),
  log: (dir) => logEngine(join(dir, 'store')),
  file: (dir) => fileEngine(join(dir, 'store.db')),
  memory: async () => memoryEngine(),
};
/** @type {Readonly<Record<string, (store: Store) => Promise<void>>>} */
const programs = { puts, late, sleeper, behind };
const openEngine = engines[flags.engine] ?? refuse(usage, `There is no engine ${flags.engine}.`);
const wanted = flags.only.split(',').map((name) => programs[name] ?? refuse(usage, `--only: there is no ${name}.`));
const at = (/** @type {readonly Buffer[]} */ list, /** @type {number} */ i) =>
  /** @type {Buffer} */ (list[i % list.length]);

/** @param {(store: Store) => Promise<void>} program */
async function onFreshStore(program) {
  const dir = mkdtempSync(join(tmpdir(), 'varve-watchers-'));
  const backend = await openBackend(await openEngine(dir));
  const store = await openWatchableStore(backend, { durability: 'interval', queueCapacity: 128 });
  try {
    await program(store);
  } finally {
    await store.close();
    await backend.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @param {string} message */
function fail(message) {
  process.stdout.write(`FAILED: ${message}\n`);
  process.exitCode = 1;
}

/**
 * Puts `count` times, keys in turn, a turn of the event loop for every 64; returns milliseconds, all and of CPU.
 * @param {Store} store
 * @param {readonly Buffer[]} keys
 * @param {number} count
 * @param {(i: number) => void} [each]
 * @returns {Promise<Took>}
 */
async function putAll(store, keys, count, each) {
  const cpu = process.cpuUsage();
  const began = now();
  for (let i = 0; i < count; i++) {
    if (!store.admitting) await store.admit();
    store.put(at(keys, i), at(values, i));
    if ((i & 63) === 63) {
      await turn();
      each?.(i);
    }
  }
  const ms = now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 };
}

/** Counts what a stream delivers, and checks that revisions ascend; with `from` that none is left out from there on. */
class Reader {
  events = 0;
  last = 0;
  /** @type {Promise<void>} */
  ended;
  /** @type {number | undefined} */
  #next;

  /**
   * @param {Stream} stream
   * @param {number} [from]
   */
  constructor(stream, from) {
    this.#next = from;
    this.ended = this.#read(stream);
  }

  /** @param {Stream} stream */
  async #read(stream) {
    for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
      this.#take(response);
      for (let more = stream.poll(); more !== undefined; more = stream.poll()) this.#take(more);
    }
  }

  /** @param {import('@varve/watch').WatchResponse} response */
  #take(response) {
    if (response.type !== 'events') return fail(`a response of type ${response.type}`);
    const { events } = response;
    // The ends only: looking at each of a hundred million events would be all that is measured.
    const first = events[0]?.kv.modRevision ?? 0;
    const last = events.at(-1)?.kv.modRevision ?? 0;
    if (this.#next !== undefined) {
      if (first !== this.#next || last !== first + events.length - 1) fail(`revisions ${first} to ${last} out of turn`);
      this.#next = last + 1;
    }
    if (first <= this.last) fail(`revision ${first} after ${this.last}`);
    this.events += events.length;
    this.last = last;
  }
}

/** @param {() => boolean} condition */
async function until(condition) {
  while (!condition()) await turn();
}

/**
 * `watch(stream, i)` for each of `count` watchers, on one stream or on one each, read by loops.
 * @param {Store} store
 * @param {number} count
 * @param {boolean} streamEach
 * @param {(stream: Stream, i: number) => void} watch
 * @param {number} [from]
 */
function openReaders(store, count, streamEach, watch, from) {
  /** @type {Stream[]} */
  const streams = [];
  let stream = store.newWatchStream();
  for (let i = 0; i < count; i++) {
    if (i > 0 && streamEach) stream = store.newWatchStream();
    if (i === 0 || streamEach) streams.push(stream);
    watch(stream, i);
  }
  return { streams, readers: streams.map((stream) => new Reader(stream, from)) };
}

/** @param {{ streams: readonly Stream[], readers: readonly Reader[] }} open */
async function closeAll({ streams, readers }) {
  for (const stream of streams) stream.close();
  await Promise.all(readers.map(({ ended }) => ended));
}

/** @param {Store} store */
async function puts(store) {
  const watcherN = scaled(10_000);
  const keys = Array.from({ length: watcherN }, (_, i) => key(PUT, i));
  const others = Array.from({ length: watcherN }, (_, i) => key(OTHER, i));
  const count = scaled(60_000);
  await putAll(store, keys, count * 2); // warm the code
  for (const { name, watched, streamEach } of [
    { name: 'on other keys, one stream', watched: others, streamEach: false },
    { name: 'on other keys, a stream each', watched: others, streamEach: true },
    { name: 'on the keys put, one stream', watched: keys, streamEach: false },
    { name: 'on the keys put, a stream each', watched: keys, streamEach: true },
  ]) {
    /** @type {{ none: Took, some: Took }[]} */
    const rounds = [];
    for (let round = 0; round < 5; round++) {
      const none = await putAll(store, keys, count);
      const open = openReaders(
        store,
        watcherN,
        streamEach,
        (stream, i) => void stream.watch(at(watched, i), undefined),
      );
      await turn();
      const { events } = store.watchStats;
      const some = await putAll(store, keys, count);
      const pending = () => store.watchStats.pending + store.watchStats.unsynced + store.watchStats.victims;
      await until(() => pending() === 0);
      if (store.watchStats.events - events !== (watched === keys ? count : 0)) fail('events are missing');
      await closeAll(open);
      rounds.push({ none, some });
    }
    const middle = (/** @type {(round: { none: Took, some: Took }) => number} */ pick) => median(rounds.map(pick));
    const some = middle((round) => round.some.ms);
    const none = middle((round) => round.none.ms);
    const ratio = middle((round) => round.none.ms / round.some.ms);
    const byCpu = middle((round) => round.none.cpuMs / round.some.cpuMs);
    const ratios = [`ratio ${ratio.toFixed(2)}`, `by CPU ${byCpu.toFixed(2)}`];
    say(`${watcherN} watchers ${name}`, `puts ${rate(count, some)}`, `none ${rate(count, none)}`, ...ratios);
  }
}

/** @param {Store} store */
async function late(store) {
  const count = scaled(100_000);
  const keys = Array.from({ length: 1000 }, (_, i) => key(PUT, i));
  await putAll(store, keys, count);
  await store.commit();
  const lateOnes = async (/** @type {number} */ watcherN) => {
    globalThis.gc?.();
    const cpu = process.cpuUsage();
    const began = now();
    const open = openReaders(store, watcherN, true, (stream) => void stream.watch(...everything, { from: 2 }), 2);
    await until(() => open.readers.every(({ events }) => events >= count));
    const ms = now() - began;
    const { user, system } = process.cpuUsage(cpu);
    await closeAll(open);
    if (open.readers.some(({ events, last }) => events !== count || last !== count + 1))
      fail('late: events are missing');
    return { ms, cpuMs: (user + system) / 1000 };
  };
  const many = scaled(1000);
  await lateOnes(1); // warm the code
  /** @type {{ one: Took, all: Took }[]} */
  const rounds = [];
  for (let round = 0; round < 5; round++) rounds.push({ one: await lateOnes(1), all: await lateOnes(many) });
  const middle = (/** @type {(round: { one: Took, all: Took }) => number} */ pick) => median(rounds.map(pick));
  for (const [watcherN, which] of /** @type {const} */ ([
    [1, 'one'],
    [many, 'all'],
  ])) {
    const ms = middle((round) => round[which].ms);
    const cpuMs = middle((round) => round[which].cpuMs);
    say(
      `${count} events to ${watcherN} late`,
      `${(ms / 1000).toFixed(3)} s`,
      `CPU ${(cpuMs / 1000).toFixed(3)} s`,
      rate(count * watcherN, ms),
    );
  }
  say(
    'together against one alone',
    `${middle(({ one, all }) => all.ms / one.ms).toFixed(1)}x`,
    `by CPU ${middle(({ one, all }) => all.cpuMs / one.cpuMs).toFixed(1)}x`,
  );
}

/** @param {Store} store */
async function sleeper(store) {
  const count = scaled(1_000_000);
  const readerN = 1000;
  const keys = Array.from({ length: readerN }, (_, i) => key(PUT, i));
  await putAll(store, keys, scaled(100_000)); // warm the code, and fill what is bounded
  /** @type {Took[]} */
  const took = [];
  for (const asleep of [false, true, true, false, false, true]) {
    const before = store.rev();
    const open = openReaders(store, readerN, true, (stream, i) => void stream.watch(at(keys, i), undefined));
    const sleeping = store.newWatchStream();
    if (asleep) sleeping.watch(...everything);
    /** @type {number[]} */
    const heap = [];
    const quarter = Math.ceil(count / 4 / 64) * 64;
    const { ms, cpuMs } = await putAll(store, keys, count, (i) => {
      if ((i + 1) % quarter !== 0 && i + 64 < count) return;
      globalThis.gc?.();
      heap.push((process.memoryUsage().heapUsed + process.memoryUsage().external) / 1048576);
    });
    took.push({ ms, cpuMs });
    await until(() => open.readers.reduce((sum, { events }) => sum + events, 0) === count);
    if (open.readers.some(({ last }) => last <= store.rev() - readerN || last <= before))
      fail('sleeper: a reader is behind');
    say(
      `${count} events, ${asleep ? 'one that never reads' : 'all read'}`,
      `puts ${rate(count, ms)}`,
      `CPU ${((cpuMs * 1000) / count).toFixed(2)} us each`,
      `heap ${heap.map((mb) => mb.toFixed(0)).join(', ')} MB`,
      `queued ${store.watchStats.pending}`,
    );
    sleeping.close();
    await closeAll(open);
  }
  // With the sleeper, after a round without it or before one.
  const ratio = (/** @type {(one: Took) => number} */ pick) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = took.map(pick);
    return median([a / b, d / c, e / f]).toFixed(2);
  };
  say('put rate with the sleeper against without', `ratio ${ratio(({ ms }) => ms)}`, `by CPU ${ratio((x) => x.cpuMs)}`);
}

/** @param {Store} store */
async function behind(store) {
  const count = scaled(1_000_000);
  const keys = Array.from({ length: 1000 }, (_, i) => key(PUT, i));
  const alone = await putAll(store, keys, count);
  await store.commit();
  globalThis.gc?.();
  const rss = statusKB('RssAnon') / 1024;
  const stream = store.newWatchStream();
  stream.watch(...everything, { from: 2 });
  const reader = new Reader(stream, 2);
  const began = now();
  let most = rss;
  let puts = 0;
  const cpu = process.cpuUsage();
  // Writes go on until the watcher is synced; it must get there while they do.
  while (store.watchStats.synced === 0 && puts < count * 4) {
    await putAll(store, keys, 1024);
    puts += 1024;
    if ((puts & 0xffff) === 0) most = Math.max(most, statusKB('RssAnon') / 1024);
  }
  const ms = now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const synced = store.watchStats.synced === 1;
  const gained = reader.events;
  await until(() => reader.last === store.rev());
  const after = await putAll(store, keys, Math.min(count, 300_000));
  await until(() => reader.last === store.rev());
  if (reader.events !== store.rev() - 1) fail(`behind: ${reader.events} events of ${store.rev() - 1}`);
  say(
    `${count} events late, put rate before`,
    rate(count, alone.ms),
    `after ${rate(Math.min(count, 300_000), after.ms)}`,
    `CPU ${((alone.cpuMs * 1000) / count).toFixed(2)} us each`,
  );
  say(
    synced ? 'synced while writes went on' : 'synced only when writes stopped',
    `${(ms / 1000).toFixed(2)} s`,
    `CPU ${((user + system) / 1e6).toFixed(2)} s`,
    `${rate(gained, ms)} events in order`,
    `puts meanwhile ${rate(puts, ms)}`,
    `ratio ${(puts / ms / (count / alone.ms)).toFixed(2)}`,
    `RssAnon ${rss.toFixed(0)} MB, at most ${most.toFixed(0)}`,
  );
  stream.close();
  await reader.ended;
}

for (const program of wanted) await onFreshStore(program);
