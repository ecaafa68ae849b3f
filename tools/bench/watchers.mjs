// What ten thousand watchers, late ones and one that never reads cost, on one store.
//   node --expose-gc tools/bench/watchers.mjs [--engine level|file|memory] [--only puts,late,sleeper,behind] [--scale 1]
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
import { parseArgs } from 'node:util';
import { openBackend } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import { openWatchableStore } from '@varve/watch';
import { key, makeValues } from './lib/gen.mjs';
import { median, statusKB } from './lib/stats.mjs';

const OTHER = '/bench/o/';
const PUT = '/bench/w/';
const everything = [Buffer.from(PUT), Buffer.from('/bench/w0')];

const { values: flags } = parseArgs({
  options: {
    engine: { type: 'string', default: 'level' },
    only: { type: 'string', default: 'puts,late,sleeper,behind' },
    scale: { type: 'string', default: '1' },
  },
});
const scale = Number(flags.scale);
const scaled = (count) => Math.max(10, Math.round(count * scale));
const values = makeValues(256);
const now = () => performance.now();
const rate = (count, ms) => `${((count / ms) * 1000).toFixed(0)}/s`;
const say = (name, ...figures) => process.stdout.write(`${name.padEnd(44)}${figures.join('  ')}\n`);

const engines = {
  level: (dir) => levelEngine(join(dir, 'store')),
  file: (dir) => fileEngine(join(dir, 'store.db')),
  memory: async () => memoryEngine(),
};

async function onFreshStore(program) {
  const dir = mkdtempSync(join(tmpdir(), 'varve-watchers-'));
  const backend = await openBackend(await engines[flags.engine](dir));
  const store = await openWatchableStore(backend, { durability: 'interval', queueCapacity: 128 });
  try {
    await program(store);
  } finally {
    await store.close();
    await backend.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function fail(message) {
  process.stdout.write(`FAILED: ${message}\n`);
  process.exitCode = 1;
}

/** Puts `count` times, keys in turn, a turn of the event loop for every 64; returns milliseconds, all and of CPU. */
async function putAll(store, keys, count, each) {
  const cpu = process.cpuUsage();
  const began = now();
  for (let i = 0; i < count; i++) {
    if (!store.admitting) await store.admit();
    store.put(keys[i % keys.length], values[i & 1023]);
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
  ended;
  #next;

  constructor(stream, from) {
    this.#next = from;
    this.ended = this.#read(stream);
  }

  async #read(stream) {
    for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
      this.#take(response);
      for (let more = stream.poll(); more !== undefined; more = stream.poll()) this.#take(more);
    }
  }

  #take(response) {
    if (response.type !== 'events') return fail(`a response of type ${response.type}`);
    const { events } = response;
    // The ends only: looking at each of a hundred million events would be all that is measured.
    const first = events[0].kv.modRevision;
    const last = events.at(-1).kv.modRevision;
    if (this.#next !== undefined) {
      if (first !== this.#next || last !== first + events.length - 1) fail(`revisions ${first} to ${last} out of turn`);
      this.#next = last + 1;
    }
    if (first <= this.last) fail(`revision ${first} after ${this.last}`);
    this.events += events.length;
    this.last = last;
  }
}

async function until(condition) {
  while (!condition()) await turn();
}

/** `watch(stream, i)` for each of `count` watchers, on one stream or on one each, read by loops. */
function openReaders(store, count, streamEach, watch, from) {
  const streams = [];
  for (let i = 0; i < count; i++) {
    if (i === 0 || streamEach) streams.push(store.newWatchStream());
    watch(streams.at(-1), i);
  }
  return { streams, readers: streams.map((stream) => new Reader(stream, from)) };
}

async function closeAll({ streams, readers }) {
  for (const stream of streams) stream.close();
  await Promise.all(readers.map(({ ended }) => ended));
}

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
    const rounds = [];
    for (let round = 0; round < 5; round++) {
      const none = await putAll(store, keys, count);
      const open = openReaders(store, watcherN, streamEach, (stream, i) => stream.watch(watched[i], undefined));
      await turn();
      const { events } = store.watchStats;
      const some = await putAll(store, keys, count);
      const pending = () => store.watchStats.pending + store.watchStats.unsynced + store.watchStats.victims;
      await until(() => pending() === 0);
      if (store.watchStats.events - events !== (watched === keys ? count : 0)) fail('events are missing');
      await closeAll(open);
      rounds.push({ none, some });
    }
    const middle = (pick) => median(rounds.map(pick));
    const some = middle((round) => round.some.ms);
    const none = middle((round) => round.none.ms);
    const ratio = middle((round) => round.none.ms / round.some.ms);
    const byCpu = middle((round) => round.none.cpuMs / round.some.cpuMs);
    const ratios = [`ratio ${ratio.toFixed(2)}`, `by CPU ${byCpu.toFixed(2)}`];
    say(`${watcherN} watchers ${name}`, `puts ${rate(count, some)}`, `none ${rate(count, none)}`, ...ratios);
  }
}

async function late(store) {
  const count = scaled(100_000);
  const keys = Array.from({ length: 1000 }, (_, i) => key(PUT, i));
  await putAll(store, keys, count);
  await store.commit();
  const lateOnes = async (watcherN) => {
    globalThis.gc?.();
    const cpu = process.cpuUsage();
    const began = now();
    const open = openReaders(store, watcherN, true, (stream) => stream.watch(...everything, { startRevision: 2 }), 2);
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
  const rounds = [];
  for (let round = 0; round < 5; round++) rounds.push({ one: await lateOnes(1), all: await lateOnes(many) });
  const middle = (pick) => median(rounds.map(pick));
  for (const [watcherN, which] of [
    [1, 'one'],
    [many, 'all'],
  ]) {
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

async function sleeper(store) {
  const count = scaled(1_000_000);
  const readerN = 1000;
  const keys = Array.from({ length: readerN }, (_, i) => key(PUT, i));
  await putAll(store, keys, scaled(100_000)); // warm the code, and fill what is bounded
  const took = [];
  for (const asleep of [false, true, true, false, false, true]) {
    const before = store.rev();
    const open = openReaders(store, readerN, true, (stream, i) => stream.watch(keys[i], undefined));
    const sleeping = store.newWatchStream();
    if (asleep) sleeping.watch(...everything);
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
  const [a, b, c, d, e, f] = took;
  const ratio = (pick) => median([pick(a) / pick(b), pick(d) / pick(c), pick(e) / pick(f)]).toFixed(2);
  say('put rate with the sleeper against without', `ratio ${ratio(({ ms }) => ms)}`, `by CPU ${ratio((x) => x.cpuMs)}`);
}

async function behind(store) {
  const count = scaled(1_000_000);
  const keys = Array.from({ length: 1000 }, (_, i) => key(PUT, i));
  const alone = await putAll(store, keys, count);
  await store.commit();
  globalThis.gc?.();
  const rss = statusKB('RssAnon') / 1024;
  const stream = store.newWatchStream();
  stream.watch(...everything, { startRevision: 2 });
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

const programs = { puts, late, sleeper, behind };
for (const name of flags.only.split(',')) await onFreshStore(programs[name]);
