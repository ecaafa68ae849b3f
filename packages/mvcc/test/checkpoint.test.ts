/** The index checkpoint: when it is written, when it is used, and what is not used (G30 to G32). */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackend, type Engine } from '@varve/backend';
import { logEngine } from '@varve/backend/log';
import { levelEngine } from '@varve/backend/level';
import { deferred } from '@varve/base/deferred';
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf } from '@varve/base/world';
import { expect, onTestFinished, test } from 'vitest';
import { BlockFramer } from '../src/checkpoint/blocks.ts';
import { readCheckpoint } from '../src/checkpoint/read-checkpoint.ts';
import { openStore } from '../src/open-store.ts';
import { MvccStore } from '../src/mvcc-store.ts';
import type { Compaction, Store } from '../src/store.ts';
import { AsideMedium, closeBoth, everything } from './checkpoint-support.ts';
import { ALL, bytes, text } from './support.ts';

const often = { checkpointEvery: 1 };
const never = { checkpointEvery: 0 };

function fill(store: Store, from: number, count: number): void {
  for (let i = from; i < from + count; i++) store.put(bytes(`key ${String(i % 50).padStart(4, '0')}`), bytes(`${i}`));
}

/** A store of so many revisions, closed with a checkpoint. */
async function saved(medium: AsideMedium, count: number): Promise<void> {
  const opened = await medium.open(often);
  fill(opened.store, 0, count);
  await opened.store.settled();
  await closeBoth(opened);
}

async function openedAs(medium: AsideMedium, options = never) {
  const opened = await medium.open(options);
  onTestFinished(() => closeBoth(opened));
  return opened.store.opened;
}

test('G30: close saves the index, and the next opening reads only what is newer', async () => {
  const medium = new AsideMedium();
  await saved(medium, 100);
  const next = await medium.open(never);
  expect(next.store.opened).toEqual({ records: 0, checkpoint: 101, reason: undefined });
  fill(next.store, 100, 7);
  await next.store.settled();
  await closeBoth(next);
  const third = await medium.open(never);
  expect(third.store.opened).toEqual({ records: 7, checkpoint: 101, reason: undefined });
  const told = await everything(third.store);
  await closeBoth(third);
  const whole = await medium.open({ ...never, verify: true });
  expect(whole.store.opened).toMatchObject({ records: 107, checkpoint: undefined });
  expect(told).toBe(await everything(whole.store));
  await closeBoth(whole);
});

test('G30: a small store is not worth a checkpoint, nor is one in which little has changed', async () => {
  const medium = new AsideMedium();
  const small = await medium.open();
  fill(small.store, 0, 200);
  await small.store.settled();
  await closeBoth(small);
  expect(medium.saved).toBeUndefined();
  await saved(medium, 300);
  const before = medium.saved;
  expect(before).toBeDefined();
  const idle = await medium.open({ checkpointEvery: 100 });
  fill(idle.store, 0, 99);
  await idle.store.settled();
  await closeBoth(idle);
  expect(medium.saved).toBe(before);
});

test('G30: it is written while writers go on, without what they add, and gets its name once all that it holds is durable', async () => {
  const medium = new AsideMedium();
  const opened = await medium.open({ checkpointEvery: 64, durability: 'interval' });
  const committing = deferred<void>();
  medium.beforeCommit = committing.promise;
  fill(opened.store, 0, 64);
  while (medium.log.length === 0) await nodeClock.turn();
  fill(opened.store, 64, 10);
  for (let turns = 0; turns < 20; turns++) await nodeClock.turn();
  expect([medium.log, medium.saved]).toEqual([['began'], undefined]);
  committing.resolve();
  while (medium.saved === undefined) await nodeClock.turn();
  const file = medium.saved;
  await closeBoth(opened);
  const whole = await medium.copy();
  whole.files.set('index', file);
  expect(await openedAs(whole)).toEqual({ records: 10, checkpoint: 65, reason: undefined });
});

test('G30: a compaction accepted while it is written ends that, and is followed by another (IXC2)', async () => {
  const medium = new AsideMedium();
  let now = 0;
  let compaction: Promise<Compaction> | undefined;
  const clock = {
    ...nodeClock,
    // Each look at the clock is the end of a slice, so others run behind each block.
    now: () => (now += 10),
    turn: () => {
      if (medium.log.length === 1) compaction ??= opened.store.compact(opened.store.rev());
      return nodeClock.turn();
    },
  };
  const world = worldOf({ ...nodeWorld, clock });
  const opened = await medium.open({ checkpointEvery: 100, world });
  fill(opened.store, 0, 99);
  await opened.store.settled();
  fill(opened.store, 99, 1);
  await opened.store.settled();
  while (compaction === undefined) await nodeClock.turn();
  await (await compaction).finished();
  expect(medium.log).toEqual(['began', 'given up']);
  expect(medium.saved).toBeUndefined();
  await closeBoth(opened);
  expect(medium.log).toEqual(['began', 'given up', 'began', 'whole']);
  const next = await medium.open(never);
  expect(next.store.opened).toEqual({ records: 0, checkpoint: 101, reason: undefined });
  expect(next.store.firstRev()).toBe(100);
  await closeBoth(next);
});

test('G31: another store, another way from a common past, lost commits and other formats are told, and all is read', async () => {
  const medium = new AsideMedium('one');
  await saved(medium, 60);
  const common = await medium.copy();
  await saved(medium, 40);
  const newer = medium.saved!;

  const lost = common;
  lost.files.set('index', newer.slice());
  expect((await openedAs(lost)).reason).toBe('the record of revision 101 is not there');

  const parted = await common.copy();
  const other = await parted.open(never);
  for (let i = 0; i < 90; i++) other.store.put(bytes(`other ${i}`), bytes('way'));
  await other.store.settled();
  await closeBoth(other);
  parted.files.set('index', newer.slice());
  expect((await openedAs(parted)).reason).toBe('revision 101 has another record');

  const foreign = new AsideMedium('two');
  await saved(foreign, 100);
  foreign.files.set('index', newer.slice());
  expect((await openedAs(foreign)).reason).toBe("it is another store's");

  const head = Buffer.from(JSON.stringify({ format: 2, id: 'one', revision: 101, compacted: 0, witnesses: [] }));
  medium.files.set('index', new BlockFramer().frame('HEAD', head));
  expect((await openedAs(medium)).reason).toBe('it has format 2, and this release reads 1');
  medium.files.set('index', newer.slice(0, -1));
  expect((await openedAs(medium)).reason).toBe('it is cut off');
  medium.files.set('index', Uint8Array.of(...newer, 0));
  expect((await openedAs(medium)).reason).toBe('it goes on behind its end');
  medium.files.delete('index');
  expect((await openedAs(medium)).reason).toBe('there is none');
});

test('G31: every flipped bit of a small checkpoint is found', async () => {
  const medium = new AsideMedium();
  await saved(medium, 20);
  const whole = medium.saved!.slice();
  for (let at = 0; at < whole.length; at++) {
    const flipped = whole.slice();
    flipped[at]! ^= 1 << (at % 8);
    medium.files.set('index', flipped);
    const opened = await medium.open(never);
    expect(opened.store.opened.checkpoint, `byte ${at}`).toBeUndefined();
    expect(opened.store.metrics['keys_total']).toBe(20);
    await closeBoth(opened);
  }
}, 120_000);

test('G31: a compaction that has overtaken it makes it worthless, and leaves another one', async () => {
  const medium = new AsideMedium();
  await saved(medium, 80);
  const before = medium.saved!.slice();
  const opened = await medium.open({ checkpointEvery: 20 });
  fill(opened.store, 0, 10);
  opened.store.deleteRange(bytes('key 0001'));
  await opened.store.settled();
  await (await opened.store.compact(opened.store.rev())).finished();
  while (Buffer.compare(medium.saved!, before) === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  await closeBoth(opened);
  medium.files.set('index', before);
  const next = await medium.open(never);
  expect(next.store.opened.reason).toBe('a compaction has overtaken it');
  expect(next.store.get(bytes('key 0001'))).toBeUndefined();
  await closeBoth(next);
});

test('G31: one from before a compaction that it is ahead of is compacted as it is loaded', async () => {
  const medium = new AsideMedium();
  await saved(medium, 200);
  const opened = await medium.open({ checkpointEvery: 1_000_000 });
  const compacted = opened.store.rev() - 20;
  await (await opened.store.compact(compacted)).finished();
  await closeBoth(opened);
  const next = await medium.open(never);
  expect(next.store.opened.checkpoint).toBe(201);
  const told = await everything(next.store);
  await closeBoth(next);
  const whole = await medium.open({ ...never, verify: true });
  expect(told).toBe(await everything(whole.store));
  await closeBoth(whole);
});

test.each([
  ['behind', often, never],
  ['before', never, often],
])(
  'G31: a compaction %s it removes the first records of all transactions, and it is known all the same',
  async (_, first, second) => {
    const medium = new AsideMedium();
    const written = await medium.open(first);
    for (let i = 0; i < 20; i++) {
      written.store.write((tx) => {
        for (const value of ['first', 'last']) tx.put(bytes(`key ${i}`), bytes(value));
      });
    }
    await written.store.settled();
    await closeBoth(written);
    const compacted = await medium.open(never);
    expect(compacted.store.opened.checkpoint).toBe(first === often ? 21 : undefined);
    await (await compacted.store.compact(21)).finished();
    await closeBoth(compacted);
    await closeBoth(await medium.open(second));
    expect(await openedAs(medium)).toEqual({ records: 0, checkpoint: 21, reason: undefined });

    const parted = await medium.copy((rows) => rows.map((row) => ({ ...row, value: new Uint8Array() })));
    parted.files.set('index', medium.saved!);
    expect((await openedAs(parted)).reason).toBe('revision 21 has another record');
  },
);

test('G30: without a record of the newest revisions nothing is saved, because it could never be used', async () => {
  const medium = new AsideMedium();
  const opened = await medium.open(never);
  fill(opened.store, 0, 40);
  for (let i = 0; i < 20; i++) opened.store.deleteRange(bytes(`key ${String(i).padStart(4, '0')}`));
  await opened.store.settled();
  await (await opened.store.compact(opened.store.rev())).finished();
  await closeBoth(opened);
  // As etcd up to 3.5.15 has compacted it: without the deletion at the compacted revision.
  const older = await medium.copy((rows) => rows.filter(({ key }) => key.length === 17));
  const again = await older.open(often);
  expect(again.store.opened.records).toBe(20);
  await closeBoth(again);
  expect(older.saved).toBeUndefined();
});

test('law 8: what ends an opening ends the loading, too', async () => {
  const medium = new AsideMedium();
  await saved(medium, 50);
  let now = 0;
  const clock = { ...nodeClock, now: () => (now += 10) };
  const backend = await openBackend(medium.attach());
  onTestFinished(() => backend.close());
  let asked = 0;
  const check = (): void => {
    asked++;
    throw new Error('not wanted any more');
  };
  await expect(readCheckpoint(backend, clock, 0, check)).rejects.toThrow('not wanted any more');
  // Behind the first block, and once more to tell that from damage.
  expect(asked).toBe(2);
});

test('G30: a key longer than any buffer is saved and loaded', async () => {
  const medium = new AsideMedium();
  const opened = await medium.open(often);
  const keys = [32_768, 32_769, 100_000].map((length) => new Uint8Array(length).fill(0x61));
  for (const key of keys) opened.store.put(key, bytes(`${key.length}`));
  await opened.store.settled();
  await closeBoth(opened);
  const next = await medium.open(never);
  expect(next.store.opened).toEqual({ records: 0, checkpoint: 4, reason: undefined });
  for (const key of keys) expect(text(next.store.get(key)!.value)).toBe(`${key.length}`);
  await closeBoth(next);
});

test('G32: records that contradict their place are found by the full scan, so no checkpoint hides them (R45)', async () => {
  const whole = new AsideMedium();
  await saved(whole, 30);
  // The record of revision 5 at the place of revision 6.
  const medium = await whole.copy((rows) => rows.map((row, i) => (i === 4 ? { ...row, value: rows[3]!.value } : row)));
  const opened = await medium.open({ ...often, verify: true });
  fill(opened.store, 0, 10);
  await opened.store.settled();
  await closeBoth(opened);
  expect(medium.saved).toBeUndefined();
});

test('G30: without anybody who knows the keys of leases there is no checkpoint of a store that has such keys', async () => {
  const medium = new AsideMedium();
  const opened = await medium.open(often);
  opened.store.put(bytes('leased'), bytes('value'), 5n);
  await opened.store.settled();
  await closeBoth(opened);
  expect(medium.saved).toBeUndefined();
  const again = await medium.open(often);
  expect(again.store.leaseAttachments).toEqual([{ key: bytes('leased'), lease: 5n }]);
  again.store.takeLeaseAttachments();
  await closeBoth(again);
  expect(medium.saved).toBeUndefined();
});

test("G30: a file that cannot be written or read is nobody's error", async () => {
  const medium = new AsideMedium();
  const failing = (): Engine => {
    const engine = medium.attach();
    const fail = async (): Promise<never> => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    return {
      ...engine,
      aside: {
        id: 'store',
        read: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }),
        replace: fail,
        remove: fail,
      },
    };
  };
  for (const records of [0, 30]) {
    const backend = await openBackend(failing());
    const store = await openStore(backend, often);
    expect(store.opened).toMatchObject({ records, reason: 'no space left' });
    if (records === 0) fill(store, 0, 30);
    await store.settled();
    await store.close();
    await backend.close();
  }
});

test('law 10: others run between the blocks that are saved and loaded', async () => {
  const medium = new AsideMedium();
  let now = 0;
  let turns = 0;
  const clock = {
    ...nodeClock,
    // Each look at the clock is the end of a slice.
    now: () => (now += 10),
    turn: () => {
      turns++;
      return nodeClock.turn();
    },
  };
  const world = worldOf({ ...nodeWorld, clock });
  const opened = await medium.open({ checkpointEvery: 100_000, world });
  for (let i = 0; i < 10_000; i++) opened.store.put(bytes(`${(i * 7919) % 10_007}-${'x'.repeat(20)}`), bytes(''));
  await opened.store.settled();
  turns = 0;
  await closeBoth(opened);
  const blocks = Math.floor(medium.saved!.length / 33_000);
  expect(blocks).toBeGreaterThan(5);
  expect(turns).toBeGreaterThan(blocks);
  turns = 0;
  const next = await medium.open({ checkpointEvery: 0, world });
  expect(next.store.opened).toMatchObject({ records: 0, checkpoint: 10_001 });
  expect(turns).toBeGreaterThan(blocks);
  await closeBoth(next);
});

test('G30: moving to other data uses what was saved of those', async () => {
  const [one, two] = [new AsideMedium('one'), new AsideMedium('two')];
  await saved(two, 70);
  const opened = await one.open(often);
  onTestFinished(() => closeBoth(opened));
  fill(opened.store, 0, 5);
  await opened.store.settled();
  const backend = await openBackend(two.attach());
  onTestFinished(() => backend.close());
  await opened.store.restore(backend);
  expect(opened.store).toBeInstanceOf(MvccStore);
  expect(opened.store.opened).toMatchObject({ records: 0, checkpoint: 71 });
  expect((await opened.store.range(...ALL, { countOnly: true })).count).toBe(50);
});

for (const [name, engineIn] of [
  ['log', (folder: string) => logEngine(folder)],
  ['level', (folder: string) => levelEngine(folder)],
] as const) {
  test(`G30: on ${name} the file lies in the store's folder, and the folder opens with it`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'varve-checkpoint-'));
    onTestFinished(() => {
      rmSync(root, { recursive: true, force: true });
    });
    const folder = join(root, 'store');
    let told = '';
    for (const want of [undefined, 61, 121]) {
      const backend = await openBackend(await engineIn(folder));
      const store = await openStore(backend, often);
      expect(store.opened.checkpoint).toBe(want);
      expect(backend.warnings).toEqual([]);
      if (told !== '') expect(await everything(store)).toBe(told);
      if (want !== 121) fill(store, want ?? 0, 60);
      await store.settled();
      await backend.defrag();
      told = await everything(store);
      await store.close();
      await backend.close();
      expect(readdirSync(folder)).toContain('index.aside');
      expect(readdirSync(folder).filter((file) => file.startsWith('.varve-temporary'))).toEqual([]);
    }
  });
}
