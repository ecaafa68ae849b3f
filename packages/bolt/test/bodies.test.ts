import { afterAll, describe, expect, test } from 'vitest';
import type { WriteTransaction } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import { replay } from './recipe.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const PATH = '/disk/t.db';
const small = () => openBoltOn(new SimulatedDisk(), PATH, { pageSize: 512 });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

test('law 3: bodies of many changes that throw leave no trace on those that share their commit', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const pick = (limit: number): number => Math.floor(random() * limit);
    await using bolt = await small();
    const model = new Map<string, string>();
    const changes = (value: string): ((tx: WriteTransaction) => void) => {
      const list = Array.from({ length: 50 + pick(1500) }, () => [`k${pick(4000)}`, random() < 0.3] as const);
      return (tx) => {
        const bucket = tx.createBucketIfMissing('b');
        if (value === 'bad') for (let i = 0; i < 400; i++) bucket.put(`z${i + 1000}`, value); // one leaf grows and is cut
        for (const [key, gone] of list) {
          if (gone) bucket.delete(key);
          else bucket.put(key, value);
        }
        const nested = bucket.createBucketIfMissing('nested');
        if (value.startsWith('good')) {
          for (const [key, gone] of list) {
            if (gone) model.delete(key);
            else model.set(key, value);
          }
          nested.put('last', value);
          return;
        }
        for (const [key] of list) nested.put(key, value);
        if (list.length % 2 === 0) bucket.deleteBucket('nested');
        if (list.length % 3 === 0) tx.deleteBucket('b');
        throw new Error('undone');
      };
    };
    for (let round = 0; round < 3; round++) {
      const bodies = Array.from({ length: 8 }, (_, i) => (random() < 0.5 ? 'bad' : `good${round}-${i}`));
      const results = await Promise.allSettled(bodies.map((value) => bolt.write(changes(value))));
      results.forEach(({ status }, i) => expect(status).toBe(bodies[i] === 'bad' ? 'rejected' : 'fulfilled'));
      expect((await bolt.check()).problems).toEqual([]);
      using tx = bolt.read();
      const bucket = tx.bucket('b');
      const pairs = [...(bucket?.entries() ?? [])].filter(({ value }) => value !== undefined);
      const got = pairs.map(({ key, value }) => [text(key), text(value)]);
      expect(got).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      expect([...(bucket?.bucket('nested')?.entries() ?? [])].length).toBe(model.size === 0 ? 0 : 1);
    }
  }
}, 120_000);

describe('life', () => {
  test('R1 R2 nested and asynchronous bodies are refused without a trace', async () => {
    await using bolt = await small();
    const before = digestOf(bolt);
    let nested: Promise<unknown> | undefined;
    await bolt.write(() => {
      nested = bolt.write(() => undefined);
    });
    await expect(nested).rejects.toMatchObject({ code: 'BOLT_NESTED' });
    await expect(bolt.write(async (tx) => void tx.createBucket('b'))).rejects.toThrow(TypeError);
    expect(digestOf(bolt)).toBe(before);
    let escaped: WriteTransaction | undefined;
    await bolt.write((tx) => {
      escaped = tx;
    });
    expect(() => escaped?.createBucket('late')).toThrow(expect.objectContaining({ code: 'BOLT_ENDED' }) as Error);
  });

  test('R9 R10 close waits, refuses, is idempotent', async () => {
    const disk = new SimulatedDisk();
    const bolt = await openBoltOn(disk, PATH);
    const tx = bolt.read();
    const running = bolt.write((write) => write.createBucket('b'));
    const waiting = bolt.write((write) => write.createBucket('c'));
    const closing = bolt.close();
    await running;
    await expect(waiting).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    await Promise.all([closing, bolt.close()]);
    expect(disk.openFiles).toBe(0);
    expect(() => bolt.read()).toThrow(expect.objectContaining({ code: 'BOLT_CLOSED' }) as Error);
    await expect(bolt.write(() => undefined)).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    await expect(bolt.check()).rejects.toMatchObject({ code: 'BOLT_CLOSED' });
    expect(() => tx.bucket('b')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/BOLT_(ENDED|CLOSED)/) as string }) as Error,
    );
    await using again = await openBoltOn(disk, PATH);
    using after = again.read();
    expect([after.bucket('b') === undefined, after.bucket('c')]).toEqual([false, undefined]);
  });

  test('a write that changes nothing costs no commit', async () => {
    await using bolt = await small();
    const { txid } = bolt;
    expect(await bolt.write((tx) => tx.bucket('none'))).toBe(undefined);
    expect(bolt.txid).toBe(txid);
  });

  test('F46 defragmentation: contents kept, old readers served, writing goes on', async () => {
    const path = scratch.file();
    await replay('bolt-random', path);
    await using bolt = await openBolt(path);
    const before = digestOf(bolt);
    using old = bolt.read();
    const { sizeBefore, sizeAfter } = await bolt.defrag();
    expect(sizeAfter).toBeLessThan(sizeBefore);
    expect([bolt.size, bolt.sizeInUse, digestOf(bolt)]).toEqual([sizeAfter, sizeAfter, before]);
    await bolt.write((tx) => tx.createBucket('new'));
    expect([...old.root.entries()].some(({ key }) => text(key) === 'new')).toBe(false);
    expect((await bolt.check()).problems).toEqual([]);
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(bolt.defrag({ signal: controller.signal })).rejects.toThrow('enough');
    await bolt.write((tx) => tx.createBucket('newer'));
  });
});
