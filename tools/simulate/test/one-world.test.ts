/** Law 11: what a store does in a world of its own, it does there only. */
import { existsSync } from 'node:fs';
import { openBackend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { memoryEngine } from '@varve/backend/memory';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { file, memory, open, type EmbeddedKv } from '@varve/kv';
import { expect, test } from 'vitest';
import { SimulatedClock } from '../lib/clock.mjs';
import { emptyDisk, SimulatedDisk } from '../lib/disk.mjs';
import { Random } from '../../run/random.mjs';

interface Simulated {
  readonly world: World;
  readonly clock: SimulatedClock;
  readonly done: readonly string[];
}

function simulated(seed: number): Simulated {
  const random = new Random(seed);
  const clock = new SimulatedClock();
  clock.begin(seed);
  const done: string[] = [];
  const files = new SimulatedDisk(emptyDisk, random, (what: string) => void done.push(what));
  const unique = (): string => `u${random.below(1e9)}`;
  const world = worldOf({ ...nodeWorld, clock: clock.clock, random: { ...nodeWorld.random, unique }, files });
  return { world, clock, done };
}

async function work(kv: EmbeddedKv): Promise<void> {
  for (let i = 0; i < 300; i++) await kv.put(`k${i % 40}`, 'v'.repeat(i));
  for await (const { revision } of kv.watch({}, { from: 2 })) if (revision === kv.revision) break;
  await kv.transaction(async (tx) => tx.put('sum', `${(await tx.list({})).length}`));
  await kv.compact(200, { physical: true });
  await kv.defrag();
}

test('law 11: a store, its backup and an import of it leave nothing on the real disk', async () => {
  const { world, clock, done } = simulated(1);
  const [place, copy] = ['/varve-simulated/store.db', '/varve-simulated/copy.db'];
  const kv = await open(file(place, { world }), { world });
  await work(kv);
  const { size } = await kv.backup(copy);
  const { revision } = kv;
  await kv.close();
  expect(clock.waiting).toBe(0);
  const backend = await openBackend(memoryEngine({ world }), { world });
  const { rows } = await importSnapshot(copy, backend, { world });
  expect(rows).toBeGreaterThan(40);
  expect(size).toBeGreaterThan(4096);
  await backend.close();
  const again = await open(file(place, { world }), { world });
  expect([again.revision, (await again.get('sum'))?.value]).toEqual([revision, '40']);
  await again.close();
  expect(existsSync('/varve-simulated')).toBe(false);
  expect(done.filter((what) => what.startsWith('disk create')).length).toBeGreaterThanOrEqual(3);
});

test('law 11: the same seed is the same run, beside another one and without', async () => {
  const run = async (seed: number): Promise<readonly string[]> => {
    const { world, done } = simulated(seed);
    const kv = await open(file('/store.db', { world }), { world });
    await work(kv);
    await kv.close();
    return done;
  };
  const alone = await run(5);
  const [beside] = await Promise.all([run(5), run(6)]);
  expect(beside).toEqual(alone);
});

test.each([null, {}, 'world', { clock: nodeWorld.clock }])('law 11: %o is no world', async (world) => {
  const wrong = { world } as never;
  const refusal = { name: 'TypeError', code: 'KV_INVALID' };
  await expect(open(memory(), wrong)).rejects.toMatchObject(refusal);
  await expect(file('/nowhere/store.db', wrong)).rejects.toMatchObject(refusal);
  expect(() => memory(wrong)).toThrow(TypeError);
});
