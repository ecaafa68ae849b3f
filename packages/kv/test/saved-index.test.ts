/** A store whose index was saved: leases, imports and backups, options, and what `stats` says (G30 to G32). */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { file, level, log, memory, open } from '../src/index.ts';
import { openLayers } from '../src/layers.ts';
import { codeOf, collect, temporaryFolder } from './helpers.ts';

const often = { checkpointEvery: 1 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each(['log', 'level'] as const)(
  'G30 on %s the store opens from what was saved, or from all records when asked',
  async (name) => {
    const folder = temporaryFolder();
    const place = () => (name === 'log' ? log(folder) : level(folder));
    const first = await open(place(), often);
    expect(first.stats().opened).toEqual({ records: 0, checkpoint: undefined, reason: 'there is none' });
    for (let i = 0; i < 40; i++) await first.put(`key ${i % 7}`, `${i}`);
    await first.delete('key 3');
    const entries = await collect(first.list({ prefix: '' }));
    await first.close();
    const second = await open(place(), often);
    expect(second.stats().opened).toEqual({ records: 0, checkpoint: 42, reason: undefined });
    expect(await collect(second.list({ prefix: '' }))).toEqual(entries);
    expect((await second.check()).problems).toEqual([]);
    await second.close();
    const third = await open(place(), { ...often, verify: true });
    expect(third.stats().opened).toEqual({ records: 41, checkpoint: undefined, reason: 'not asked' });
    expect(await collect(third.list({ prefix: '' }))).toEqual(entries);
    await third.close();
  },
);

test('G30 leases and their keys are there again, and go when they are revoked', async () => {
  const folder = temporaryFolder();
  const first = await openLayers(log(folder), often);
  for (const id of [1n, 2n]) first.lessor.grant(1000, id);
  for (let i = 0; i < 300; i++) first.lessor.put(bytes(`leased ${i}`), bytes('v'), i % 3 === 0 ? 1n : 2n);
  for (let i = 0; i < 20; i++) first.store.put(bytes(`leased ${i}`), bytes('own'));
  await first.store.settled();
  await first.close();
  const second = await openLayers(log(folder), { checkpointEvery: 0 });
  expect(second.store.opened.checkpoint).toBeDefined();
  expect(second.lessor.keys(1n)).toHaveLength(93);
  expect(second.lessor.keys(2n)).toHaveLength(187);
  second.store.put(bytes('leased 21'), bytes('own'));
  second.lessor.revoke(2n);
  await second.store.settled();
  await second.close();
  const third = await openLayers(log(folder), { checkpointEvery: 0 });
  expect(third.store.opened.checkpoint).toBeDefined();
  expect(third.store.opened.records).toBe(188);
  expect(third.lessor.keys(1n)).toHaveLength(92);
  expect(await codeOf(() => third.lessor.keys(2n))).toBe('LEASE_NOT_FOUND');
  expect((await third.store.range(bytes(''), bytes(''), { countOnly: true })).count).toBe(113);
  await third.close();
});

test('G31 a backup has no saved index, and a store that is filled from one has none of before', async () => {
  const folder = temporaryFolder();
  const source = await open(log(folder), often);
  for (let i = 0; i < 30; i++) await source.put(`key ${i}`, 'one');
  const path = temporaryFolder('backup.db');
  await source.backup(path);
  const hash = await source.hashByRev();
  await source.close();
  expect(readdirSync(dirname(path))).toEqual(['backup.db']);
  const filled = await open(log(temporaryFolder()), { ...often, importFrom: path });
  expect(filled.stats().opened).toMatchObject({ records: 30, reason: 'there is none' });
  expect(await filled.hashByRev()).toEqual(hash);
  await filled.close();
});

test('G32 memory and a BoltDB file keep no index: all is read, and nothing lies beside the file', async () => {
  const kept = await open(memory(), often);
  expect(kept.stats().opened.reason).toBe('the engine keeps none');
  await kept.close();
  const path = temporaryFolder('store.db');
  for (const records of [0, 20]) {
    const kv = await open(file(path), often);
    expect(kv.stats().opened).toEqual({ records, checkpoint: undefined, reason: 'the engine keeps none' });
    for (let i = records; i < 20; i++) await kv.put(`key ${i}`, 'value');
    await kv.close();
  }
  expect(readdirSync(dirname(path))).toEqual(['store.db']);
});

test('options of saving are checked before anything is opened', async () => {
  expect(await codeOf(() => open(memory(), { checkpointEvery: -1 }))).toBe('KV_INVALID');
  expect(await codeOf(() => open(memory(), { verify: 'yes' as unknown as boolean }))).toBe('KV_INVALID');
});
