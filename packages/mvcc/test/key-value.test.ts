import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeKeyValue, encodeKeyValue, fitsRevision, RecordReader } from '../src/key-value.ts';
import { RecordSlab } from '../src/record-slab.ts';
import { revisionBytes, tombstoneBytes } from '../src/revision-bytes.ts';
import type { KeyValue } from '../src/store.ts';
import { bytes, codeOf, hex } from './support.ts';

function kv(key: string, create: number, mod: number, version: number, value: string, lease = 0n): KeyValue {
  return {
    key: bytes(key),
    value: bytes(value),
    createRevision: create,
    modRevision: mod,
    version,
    lease,
  };
}

function plain(record: KeyValue): unknown {
  return { ...record, key: hex(record.key), value: hex(record.value) };
}

test.each([
  [kv('foo', 2, 2, 1, 'bar'), '0a03666f6f1002180220012a03626172'],
  [kv('foo', 2, 2, 1, 'bar', 1n), '0a03666f6f1002180220012a036261723001'],
  [kv('foo', 2, 3, 2, 'baz'), '0a03666f6f1002180320022a0362617a'],
  [kv('foo', 0, 0, 0, ''), '0a03666f6f'],
  [kv('a', 200, 300, 150, ''), '0a016110c80118ac02209601'],
  [kv('k', 2, 2, 1, 'v', 0x694d_7f3a_2b1c_0d0en), '0a016b1002180220012a0176308e9af0d8a2e7dfa669'],
  [kv('k', 2, 2, 1, 'v', -1n), '0a016b1002180220012a017630ffffffffffffffffff01'],
])('M6: %# the bytes of etcd, there and back', (record, want) => {
  expect(hex(encodeKeyValue(record))).toBe(want);
  expect(plain(decodeKeyValue(Buffer.from(want, 'hex')))).toEqual(plain(record));
});

test('M6: reversed order, repeated fields and unknown fields decode', () => {
  const reversed = '3007' + '2a0162' + '2003' + '1804' + '1002' + '0a0161';
  const unknown = '7a03010203' + '7807' + '7d01020304' + '790102030405060708' + '8001ff01' + reversed;
  const want = plain(kv('a', 2, 4, 3, 'b', 7n));
  expect(plain(decodeKeyValue(Buffer.from(reversed, 'hex')))).toEqual(want);
  expect(plain(decodeKeyValue(Buffer.from(unknown, 'hex')))).toEqual(want);
  expect(plain(decodeKeyValue(Buffer.from('1009' + unknown, 'hex')))).toEqual(want);
});

test.each([
  ['0a', 'length cut off'],
  ['0a05616263', 'key cut off'],
  ['10', 'number cut off'],
  ['10ffffffffffffffffff01', 'negative revision'],
  ['10ffffffffffffff1f', 'revision of 2^56'],
  ['08ff', 'field 1 as a number'],
  ['0001', 'field 0'],
  ['7b7c', 'a group'],
  ['30ffffffffffffffffffff01', 'a lease of eleven bytes'],
  ['7affffffff0f', 'a field longer than the record'],
])('R45: %s is corruption (%s)', async (record) => {
  expect(await codeOf(() => decodeKeyValue(Buffer.from(record, 'hex')))).toBe('MVCC_CORRUPT');
});

test('R45 a record among others is read as alone, and one that goes on into the next one is corruption', async () => {
  const record = encodeKeyValue(kv('foo', 200, 300, 2, 'bar', 7n));
  const block = Buffer.concat([record, record, Buffer.alloc(20)]);
  for (const start of [0, record.length]) {
    expect(plain(decodeKeyValue(block, start, start + record.length))).toEqual(plain(decodeKeyValue(record)));
    for (let missing = 1; missing < record.length; missing += 1) {
      const end = start + record.length - missing;
      const alone = await codeOf(() => decodeKeyValue(block.subarray(start, end)));
      expect(await codeOf(() => decodeKeyValue(block, start, end))).toBe(alone);
    }
  }
});

const records = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  value: fc.uint8Array({ maxLength: 300 }),
  createRevision: fc.maxSafeNat().map((n) => Math.max(n, 1)),
  modRevision: fc.maxSafeNat().map((n) => Math.max(n, 1)),
  version: fc.maxSafeNat().map((n) => Math.max(n, 1)),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

/** The message by the book: BigInt and one byte at a time. */
function slowly(record: KeyValue): Uint8Array {
  const out: number[] = [];
  const varint = (value: bigint): void => {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
    out.push(Number(rest));
  };
  const array = (tag: number, value: Uint8Array): void => {
    if (value.length === 0) return;
    out.push(tag);
    varint(BigInt(value.length));
    out.push(...value);
  };
  const number = (tag: number, value: bigint): void => {
    if (value === 0n) return;
    out.push(tag);
    varint(value);
  };
  array(0x0a, record.key);
  number(0x10, BigInt(record.createRevision));
  number(0x18, BigInt(record.modRevision));
  number(0x20, BigInt(record.version));
  array(0x2a, record.value);
  number(0x30, record.lease);
  return new Uint8Array(out);
}

test('law 6: the slab, the encoder and a slow encoder agree, and decoding gives the record back', () => {
  const room = { before: 3, after: 4 };
  const slab = new RecordSlab(room);
  fc.assert(
    fc.property(records, fc.nat(2 ** 31), (record, sub) => {
      const want = hex(slowly(record));
      expect(hex(encodeKeyValue(record))).toBe(want);
      const { key, value, createRevision, modRevision, version, lease } = record;
      slab.put(modRevision, sub, key, value, createRevision, version, lease);
      const { block, keyStart, start, end } = slab;
      expect(hex(block.subarray(start, end))).toBe(want);
      expect(hex(block.subarray(keyStart, start))).toBe(hex(revisionBytes(modRevision, sub)));
      expect(plain(decodeKeyValue(block, start, end))).toEqual(plain(record));
      // The room is the engine's, whatever it writes there.
      block.fill(255, keyStart - room.before, keyStart);
      block.fill(255, end, end + room.after);
      slab.tombstone(modRevision, sub, key);
      expect(hex(slab.block.subarray(slab.keyStart, slab.start))).toBe(hex(tombstoneBytes(modRevision, sub)));
      expect(hex(decodeKeyValue(slab.block, slab.start, slab.end).key)).toBe(hex(key));
      expect(hex(block.subarray(start, end))).toBe(want);
      expect(plain(decodeKeyValue(Buffer.from(want, 'hex')))).toEqual(plain(record));
    }),
  );
});

test('law 7: damaged records decode to something or are corruption, nothing else', () => {
  const reader = new RecordReader();
  fc.assert(
    fc.property(records, fc.nat(), fc.nat(255), (record, at, byte) => {
      const damaged = encodeKeyValue(record);
      damaged[at % damaged.length] = byte;
      try {
        reader.read(damaged.subarray(0, damaged.length - (at % 3)));
        expect(reader.keyEnd).toBeLessThanOrEqual(damaged.length);
        expect(reader.valueEnd).toBeLessThanOrEqual(damaged.length);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MvccError', code: 'MVCC_CORRUPT' });
      }
    }),
    { numRuns: 1000 },
  );
});

test.each([
  [2, 2, 1, 2, true],
  [2, 5, 2, 5, true],
  [5, 5, 2, 5, true],
  [2, 5, 1, 5, false],
  [2, 4, 2, 5, false],
  [6, 5, 2, 5, false],
  [5, 5, 0, 5, false],
  [0, 5, 2, 5, false],
])('R45: create %d, mod %d, version %d at revision %d: %s', (createRevision, modRevision, version, main, want) => {
  expect(fitsRevision({ createRevision, modRevision, version }, main)).toBe(want);
});
