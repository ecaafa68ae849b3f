import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKeyValue, RecordReader } from '../src/key-value.ts';
import { RecordCache } from '../src/record-cache.ts';
import { ownBytes, RecordSlab } from '../src/record-slab.ts';
import type { KeyValue } from '../src/store.ts';
import { TransactionChanges } from '../src/transaction-changes.ts';
import { bytes, show } from './support.ts';

const newSlab = (): RecordSlab => new RecordSlab({ before: 0, after: 4 });

function kv(main: number, size = 100, key = `k${main}`): KeyValue {
  const value = new Uint8Array(size);
  return { key: bytes(key), value, createRevision: main, modRevision: main, version: 1, lease: 0n };
}

/** A record that was read, as it is stored. */
function addRow(cache: RecordCache, main: number, sub: number, stored: Uint8Array): KeyValue {
  const reader = new RecordReader();
  reader.read(stored);
  return cache.addRow(main, sub, stored, 0, stored.length, reader);
}

/** The same, of an object. */
function add(cache: RecordCache, main: number, sub: number, record: KeyValue): void {
  addRow(cache, main, sub, encodeKeyValue(record));
}

/** A transaction that puts these keys. */
function write(slab: RecordSlab, main: number, keys: readonly string[], size: number, lease = 0n): TransactionChanges {
  const changed = new TransactionChanges(main);
  for (const [sub, key] of keys.entries()) {
    slab.put(main, sub, bytes(key), new Uint8Array(size), main, 1, lease);
    changed.add(slab.slab, slab.start, slab.end, false);
  }
  return changed;
}

test.each([
  ['that is kept', 1 << 20],
  ['that is too long to be kept', 64],
  ['where nothing is kept', 0],
])('a record %s is given as it was read, in memory of its own', (_, cacheBytes) => {
  const stored = encodeKeyValue(kv(7));
  const large = new Uint8Array(1 << 20);
  large.set(stored, 1000);
  const given = addRow(new RecordCache(cacheBytes), 7, 0, large.subarray(1000, 1000 + stored.length));
  large.fill(1);
  expect(given).toEqual(kv(7));
});

test('law 9: never more bytes than the bound, and what is kept is right', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ main: fc.integer({ min: 2, max: 60 }), sub: fc.integer({ min: 0, max: 3 }) }), {
        minLength: 200,
        maxLength: 600,
      }),
      (steps) => {
        const cache = new RecordCache(10_000);
        const added = new Set<string>();
        for (const { main, sub } of steps) {
          const found = cache.get(main, sub);
          if (found === undefined) {
            add(cache, main, sub, kv(main, 50, `${main}.${sub}`));
            added.add(`${main}.${sub}`);
          } else {
            expect(added).toContain(`${main}.${sub}`);
            expect(show(found)).toBe(`${main}.${sub}=${'\0'.repeat(50)} ${main}/${main}/1`);
          }
          expect(cache.bytes).toBeLessThanOrEqual(10_000);
        }
      },
    ),
  );
});

test('records that are read stay, others go', () => {
  const cache = new RecordCache(100_000);
  let missed = 0;
  for (let main = 3; main < 4000; main++) {
    addRow(cache, main, 0, row(main, 200));
    if (cache.get(2, 0) !== undefined) continue;
    addRow(cache, 2, 0, row(2, 200));
    missed++;
  }
  // Once, or when four others of its set were added: seldom.
  expect(missed).toBeLessThan(10);
  expect(cache.get(3, 0)).toBeUndefined();
  expect(cache.get(3999, 0)).toBeDefined();
});

test('gaps and revisions in any order', () => {
  const cache = new RecordCache(1 << 20);
  const mains = [5, 6, 9, 7, 2 ** 40, 3, 2 ** 40 + 1, 100, 2 ** 53 - 1];
  for (const main of mains) add(cache, main, 0, kv(main));
  for (const main of mains) expect(cache.get(main, 0)?.modRevision).toBe(main);
  for (const main of [4, 8, 10, 2 ** 40 + 2]) expect(cache.get(main, 0)).toBeUndefined();
  add(cache, 6, 0, kv(6));
  expect(cache.get(6, 0)?.modRevision).toBe(6);
});

test('records written last are found where they were encoded, and leave slab by slab', () => {
  const cache = new RecordCache(1 << 20);
  const own = newSlab();
  for (let main = 2; main < 3000; main += main % 10 === 0 ? 3 : 1) {
    cache.addWritten(write(own, main, [`k${main}`], 1000, 7n));
    if (main % 7 === 0) cache.get(main - 3, 0);
    expect(cache.bytes).toBeLessThanOrEqual(1 << 20);
  }
  const found = cache.get(2999, 0)!;
  expect([found.modRevision, found.lease, found.value.length]).toEqual([2999, 7n, 1000]);
  expect(found.value.buffer).toBe(own.block.buffer);
  expect(cache.get(2999, 0)).toBe(found);
  expect(cache.get(2999, 1)).toBeUndefined();
  for (const main of [1, 2, 2991, 2992, 3000]) expect(cache.get(main, 0)).toBeUndefined();
  expect(cache.get(2700, 0)?.modRevision).toBe(2700);
});

test('law 9: objects of tiny records written last do not outgrow the bound', () => {
  const cache = new RecordCache(200_000);
  const own = newSlab();
  for (let main = 2; main < 3000; main++) {
    cache.addWritten(write(own, main, ['k'], 1));
    expect(cache.get(main, 0)?.modRevision).toBe(main);
    expect(cache.bytes).toBeLessThanOrEqual(200_000);
  }
});

test('law 9: what readers borrowed of the share of writers goes back when writers want it', () => {
  const bound = 64 << 10;
  const cache = new RecordCache(bound);
  for (let main = 2; main < 400; main++) add(cache, main, 0, kv(main));
  expect(cache.bytes).toBeGreaterThan(bound / 2);
  const slab = { bytes: new Uint8Array(16 << 10), lastMain: 0, isLent: false };
  for (let main = 1000; main < 1100; main++) {
    const changed = new TransactionChanges(main);
    changed.add(slab, 0, 8, false);
    cache.addWritten(changed);
    expect(cache.bytes).toBeLessThanOrEqual(bound);
  }
});

test('a bound of 0 keeps nothing, and neither does a record beyond its share', () => {
  const none = new RecordCache(0);
  add(none, 2, 0, kv(2));
  none.addWritten(write(newSlab(), 3, ['a', 'b'], 10));
  expect(none.get(3, 0)).toBeUndefined();
  expect([none.get(2, 0), none.bytes]).toEqual([undefined, 0]);
  const small = new RecordCache(10_000);
  add(small, 2, 0, kv(2, 6000));
  expect(small.get(2, 0)).toBeUndefined();
});

function row(main: number, size: number): Uint8Array {
  return encodeKeyValue({
    key: bytes(`k${main}`),
    value: new Uint8Array(size).fill(main),
    createRevision: main,
    modRevision: main,
    version: 1,
    lease: 0n,
  });
}

test('PAC1 a record that was read is bytes when it is found once, and an object from the second time on', () => {
  const cache = new RecordCache(1 << 20);
  for (let main = 2; main < 2502; main++) addRow(cache, main, 0, row(main, 300));
  const packed = cache.bytes;
  // 320 bytes a record, its header, and the table, which is a sixteenth of the cache.
  expect(packed / 2500).toBeLessThan(370);
  expect(cache.get(2400, 0)?.modRevision).toBe(2400);
  expect(cache.bytes - packed).toBe(0);
  const found = cache.get(2400, 0)!;
  expect(cache.bytes - packed).toBe(352);
  expect(cache.get(2400, 0)).toBe(found);
  expect(cache.bytes - packed).toBe(352);
  expect(found.value.buffer.byteLength).toBe(16 * 1024);
});

test('rows of all lengths are what they were, in any order, with and without subs', () => {
  const record = fc.record({
    main: fc.constantFrom(2, 3, 4, 5, 1000, 2 ** 15 + 2, 2 ** 32 + 2, 2 ** 33 + 5, 2 ** 53 - 1),
    sub: fc.constantFrom(0, 1, 2, 2 ** 20 - 1, 2 ** 20),
    size: fc.constantFrom(0, 1, 300, 4000, 20_000, 200_000),
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 100 }), (steps) => {
      const cache = new RecordCache(1 << 20);
      const sizes = new Map<string, number>();
      for (const { main, sub, size } of steps) {
        const id = `${main}.${sub}`;
        const found = cache.get(main, sub);
        if (found === undefined) {
          addRow(cache, main, sub, row(main, size));
          sizes.set(id, size);
        } else {
          expect([found.modRevision, found.value.length]).toEqual([main, sizes.get(id)]);
          expect(found.value.every((byte) => byte === main % 256)).toBe(true);
        }
        expect(cache.bytes).toBeLessThanOrEqual(1 << 20);
      }
    }),
  );
});

test('revisions that are 2^32 apart are not taken for each other', () => {
  const cache = new RecordCache(1 << 20);
  addRow(cache, 5, 0, row(5, 10));
  expect(cache.get(2 ** 32 + 5, 0)).toBeUndefined();
  addRow(cache, 2 ** 32 + 5, 0, row(2 ** 32 + 5, 10));
  expect(cache.get(2 ** 32 + 5, 0)?.modRevision).toBe(2 ** 32 + 5);
  expect(cache.get(5, 0)).toBeUndefined();
});

test('what was handed out stays as it is when its slab is dropped', () => {
  const cache = new RecordCache(100_000);
  addRow(cache, 2, 0, row(2, 100));
  const early = cache.get(2, 0)!;
  for (let main = 3; main < 5000; main++) addRow(cache, main, 0, row(main, 100));
  expect(cache.get(2, 0)).toBeUndefined();
  expect(show(early)).toBe(show({ ...early, value: new Uint8Array(100).fill(2) }));
});

test('bytes in a buffer of their own are not copied', () => {
  const own = new Uint8Array(100);
  expect(ownBytes(own)).toBe(own);
  const view = new Uint8Array(100_000).subarray(5, 10);
  expect(ownBytes(view).buffer.byteLength).toBe(5);
});

test('what a writer reads neither enters nor moves', () => {
  const cache = new RecordCache(1_000_000);
  const own = newSlab();
  cache.addWritten(write(own, 2, ['new'], 100));
  add(cache, 3, 0, kv(3));
  add(cache, 4, 1, kv(4));
  const before = cache.bytes;
  expect(show(cache.peek(2, 0)!)).toBe(`new=${'\0'.repeat(100)} 2/2/1`);
  expect(cache.peek(3, 0)).toEqual(kv(3));
  expect(cache.peek(4, 1)).toEqual(kv(4));
  expect(cache.peek(4, 0)).toBeUndefined();
  expect(cache.peek(5, 2)).toBeUndefined();
  expect(cache.bytes).toBe(before);
  for (const [main, sub] of [
    [2, 0],
    [3, 0],
    [4, 1],
  ] as const) {
    const held = cache.bytes;
    cache.get(main, sub);
    const found = cache.get(main, sub);
    expect(cache.bytes).toBeGreaterThan(held);
    expect(cache.peek(main, sub)).toBe(found);
  }
});

test('RC1 RC2 a block is taken where it is hardly anything but records, and copied from otherwise', () => {
  const stored = Array.from({ length: 20 }, (_, n) => row(n + 2, 300));
  const bytesOf = stored.reduce((sum, { length }) => sum + length, 0);
  const block = new Uint8Array(bytesOf);
  const cache = new RecordCache(1 << 20);
  const within = new Uint8Array(new ArrayBuffer(bytesOf + 8), 8);
  expect(cache.take(block, 7, bytesOf)).toBe(false);
  expect(cache.take(block, 20, bytesOf * 0.7)).toBe(false);
  expect(cache.take(within, 20, bytesOf)).toBe(false);
  expect(cache.take(block, 20, bytesOf)).toBe(true);
  const reader = new RecordReader();
  let at = 0;
  for (const [n, one] of stored.entries()) {
    block.set(one, at);
    const end = at + one.length;
    reader.read(block, at, end);
    const given = cache.addTaken(n + 2, 0, block, at, end, reader);
    expect(given.value.buffer).toBe(block.buffer);
    expect(cache.get(n + 2, 0)).toEqual(given);
    const copied = cache.addRow(n + 2, 1, block, at, end, reader);
    expect(copied.value.buffer).not.toBe(block.buffer);
    expect(copied).toEqual(given);
    at = end;
  }
});
