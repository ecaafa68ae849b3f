/** Law 10: no stream and no long answer keeps the event loop for itself. */
import { nodeWorld } from '@varve/base/node/world';
import { expect, test } from 'vitest';
import { memory, open, type EmbeddedKv } from '../src/index.ts';
import { Pull, type Source } from '@varve/api/implement';

/** Longer than a slice. */
function busy(): void {
  for (const end = performance.now() + 6; performance.now() < end;);
}

/** How many turns of the event loop others had while `work` ran. */
async function turnsIn(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let running = true;
  const others = (async () => {
    for (; running; turns++) await nodeWorld.clock.turn();
  })();
  await nodeWorld.clock.turn();
  turns = 0;
  await work();
  const counted = turns;
  running = false;
  await others;
  return counted;
}

async function filled(): Promise<EmbeddedKv> {
  const kv = await open(memory());
  await kv.write((section) => {
    for (let i = 0; i < 40_000; i++) section.put(`k${i}`, 'a value of some length');
  });
  return kv;
}

async function drain(items: AsyncIterable<unknown>, count: number): Promise<void> {
  for await (const _ of items) if (--count === 0) break;
}

test('a slice is over after its time and begins with the next turn', async () => {
  await nodeWorld.clock.turn();
  expect(nodeWorld.slice.over()).toBe(false);
  busy();
  expect(nodeWorld.slice.over()).toBe(true);
  await Promise.resolve();
  expect(nodeWorld.slice.over()).toBe(true);
  await nodeWorld.clock.turn();
  expect(nodeWorld.slice.over()).toBe(false);
});

test('a stream with everything at hand gives others a turn after each slice', async () => {
  let left = 10;
  const source: Source<number> = {
    take: () => (left > 0 ? left-- : undefined),
    load: () => Promise.resolve(false),
    close: () => undefined,
  };
  const turns = await turnsIn(async () => {
    for await (const _ of new Pull(source, nodeWorld.slice)) busy();
  });
  expect(turns).toBeGreaterThanOrEqual(8);
});

const streams: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
  ['list', (kv) => drain(kv.list({}), 40_000)],
  ['list at a revision', (kv) => drain(kv.at(2).list({}), 40_000)],
  ['initial watch', (kv) => drain(kv.watch({}, { initial: true }), 40_000)],
  ['watch from the past', (kv) => drain(kv.watch({}, { from: 2 }), 40_000)],
  ['page', (kv) => kv.page({}, { limit: 40_000 })],
  ['list of a transaction', (kv) => kv.transaction((tx) => tx.list({}))],
];

test('law 9: large entries are read a few at a time', async () => {
  await using kv = await open(memory());
  const large = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 24; i++) await kv.put(`k${i}`, large);
  const parts: number[] = [];
  for await (const batch of kv.watch({}, { initial: true }).batches()) {
    if (!batch.initial) break;
    parts.push(batch.events.length);
  }
  expect(parts).toEqual([16, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect((await kv.page({}, { limit: 24 })).entries).toHaveLength(24);
  let listed = 0;
  for await (const { value } of kv.list({}, { limit: 23 })) listed += value.length;
  expect(listed).toBe(23 * large.length);
});

test.each(streams)('law 10, R87: others have turns during a long %s', async (_, work) => {
  await using kv = await filled();
  await work(kv); // what comes first is slower
  // Of the processor, not of the clock: a slice is longer where others have the machine. The collector stops everybody now and then, not each time.
  let enough = false;
  for (let tries = 0; tries < 3 && !enough; tries++) {
    let spent = 0;
    const turns = await turnsIn(async () => {
      const began = process.cpuUsage();
      await work(kv);
      const { user, system } = process.cpuUsage(began);
      spent = (user + system) / 1000;
    });
    enough = turns >= Math.floor(spent / 20);
  }
  expect(enough).toBe(true);
});
