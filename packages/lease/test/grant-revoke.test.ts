import { expect, test } from 'vitest';
import type { FinishedTransaction } from '@varve/mvcc';
import { bytes, codeOf, crash, keysOf, liveKeys, makeMedium, open, put, restart, rows, text } from './support.ts';
import { prepareLessor } from '../src/prepare-lessor.ts';

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 63n - 1n;

test('L1, L8: a grant makes a row and no revision', async () => {
  const { store, lessor } = await open();
  expect(lessor.grant(10, 1n)).toEqual({ id: 1n, ttl: 10 });
  await store.settled();
  expect(store.rev()).toBe(1);
  expect(await rows(store)).toEqual([['0000000000000001', '0801100a']]);
  expect(lessor.lookup(1n)).toEqual({ id: 1n, ttl: 10, remaining: 10, keyCount: 0 });
  lessor.checkInvariants();
});

test('L2, L3, L4, L5: what a grant refuses, in this order', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  expect(await codeOf(() => lessor.grant(10, 1n))).toBe('LEASE_EXISTS');
  expect(await codeOf(() => lessor.grant(10, 0n))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => lessor.grant(9_000_000_001, 2n))).toBe('LEASE_TTL_TOO_LARGE');
  expect(await codeOf(() => lessor.grant(2 ** 63, 2n))).toBe('LEASE_TTL_TOO_LARGE');
  expect(lessor.grant(9_000_000_000, 2n).ttl).toBe(9_000_000_000);
  expect(await codeOf(() => lessor.grant(9_000_000_001, 1n))).toBe('LEASE_TTL_TOO_LARGE');
  for (const wrong of [1.5, Number.NaN, Infinity, '10' as unknown as number]) {
    expect(await codeOf(() => lessor.grant(wrong))).toBe('RangeError');
  }
  expect(await codeOf(() => lessor.grant(10, 2n ** 63n))).toBe('RangeError');
  expect(await codeOf(() => lessor.grant(10, 7 as unknown as bigint))).toBe('TypeError');
  await store.settled();
  expect((await rows(store)).length).toBe(2);
});

test('L6, R86: a TTL below the least is the least, in the row too', async () => {
  const { store, lessor } = await open({ minTtl: 5 });
  const granted = [0, -1, 4, 6].map((ttl, i) => lessor.grant(ttl, BigInt(i + 3)).ttl);
  expect(granted).toEqual([5, 5, 5, 6]);
  await store.settled();
  expect((await rows(store)).map(([, value]) => value)).toEqual(['08031005', '08041005', '08051005', '08061006']);
});

test('L7: ids of any sign, also after a restart', async () => {
  const opened = await open();
  for (const id of [-1n, LEAST, GREATEST]) opened.lessor.grant(10, id);
  await opened.store.settled();
  const again = await restart(opened);
  expect((await rows(again.store)).map(([key]) => key)).toEqual([
    '7fffffffffffffff',
    '8000000000000000',
    'ffffffffffffffff',
  ]);
  for (const id of [-1n, LEAST, GREATEST]) expect(again.lessor.lookup(id)?.ttl).toBe(10);
  expect((await rows(again.store))[2]?.[1]).toBe('08ffffffffffffffffff01100a');
});

test('L67: an id that is not given is a random positive one, drawn until it is free', async () => {
  const draws = [0n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n, 5n];
  const { lessor } = await open({ random: () => draws.shift()! });
  // 0 and 2^63 have no bit left of 63; the third and the fourth are one id.
  expect(lessor.grant(10).id).toBe(GREATEST);
  expect(lessor.grant(10).id).toBe(5n);
  const { lessor: stuck } = await open({ random: () => 7n });
  stuck.grant(10);
  expect(await codeOf(() => stuck.grant(10))).toBe('LEASE_EXISTS');
});

test('L9, M57: all keys of a revoked lease go in one revision, in order, and the row with them', async () => {
  const told: FinishedTransaction[] = [];
  const { store, lessor } = await open({}, { observers: [() => ({ finished: (one) => void told.push(one) })] });
  lessor.grant(10, 1n);
  for (const key of ['foo', 'bar', 'baz']) await put(store, key, 1n);
  expect(lessor.revoke(1n)).toBe(3);
  await store.settled();
  expect(store.rev()).toBe(5);
  expect(told.at(-1)!.changes.map(({ type, kv }) => `${type} ${text(kv.key)} ${kv.modRevision}`)).toEqual([
    'delete bar 5',
    'delete baz 5',
    'delete foo 5',
  ]);
  expect(await rows(store)).toEqual([]);
  expect(lessor.size).toBe(0);
  lessor.checkInvariants();
});

test('L10, L11: a lease without keys goes without a revision', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  lessor.grant(10, 2n);
  await put(store, 'a', 2n);
  await put(store, 'b', 2n);
  store.deleteRange(bytes('a'), bytes('c'));
  await store.settled();
  const before = store.rev();
  expect([lessor.revoke(1n), lessor.revoke(2n)]).toEqual([0, 0]);
  await store.settled();
  expect(store.rev()).toBe(before);
  expect(await rows(store)).toEqual([]);
});

test('L12, L13: a lease is revoked once; then its id is free', async () => {
  const { lessor } = await open();
  expect(await codeOf(() => lessor.revoke(99n))).toBe('LEASE_NOT_FOUND');
  lessor.grant(10, 1n);
  lessor.revoke(1n);
  expect(await codeOf(() => lessor.revoke(1n))).toBe('LEASE_NOT_FOUND');
  expect(lessor.grant(10, 1n).id).toBe(1n);
});

test('L14, L15: a crash leaves a lease and its keys, or neither', async () => {
  const first = await open();
  first.lessor.grant(10, 1n);
  first.store.put(bytes('a'), bytes('v'), 1n);
  first.store.put(bytes('b'), bytes('v'), 1n);
  await first.store.settled();
  first.lessor.revoke(1n);
  const second = await crash(first);
  expect(await liveKeys(second.store)).toEqual(['a', 'b']);
  expect(keysOf(second.lessor, 1n)).toEqual(['a', 'b']);
  second.lessor.revoke(1n);
  await second.store.settled();
  const third = await crash(second);
  expect(await liveKeys(third.store)).toEqual([]);
  expect([third.lessor.size, third.store.rev()]).toEqual([0, 4]);
});

test('L16: ten thousand keys go in one revision', async () => {
  const told: FinishedTransaction[] = [];
  const { store, lessor } = await open({}, { observers: [() => ({ finished: (one) => void told.push(one) })] });
  lessor.grant(10, 1n);
  store.write((txn) => {
    for (let i = 0; i < 10_000; i++) txn.put(bytes(`key/${i}`), bytes('v'), 1n);
  });
  expect(lessor.lookup(1n)?.keyCount).toBe(10_000);
  lessor.checkInvariants();
  expect(lessor.revoke(1n)).toBe(10_000);
  await store.settled();
  expect(told.map(({ revision, changes }) => [revision, changes.length])).toEqual([
    [2, 10_000],
    [3, 10_000],
  ]);
  lessor.checkInvariants();
});

test('L17: there is no lessor without a store to delete from', async () => {
  const prepared = prepareLessor();
  expect(await codeOf(() => prepared.open())).toBe('TypeError');
});

test('L18, L19, L20, L21: a key belongs to the lease of its last put, and to no other', async () => {
  const { store, lessor } = await open();
  for (const id of [1n, 2n, 3n, 4n]) lessor.grant(10, id);
  await put(store, 'without', 1n);
  await put(store, 'without');
  await put(store, 'moved', 1n);
  await put(store, 'moved', 2n);
  await put(store, 'twice', 3n);
  await put(store, 'twice', 3n);
  await put(store, 'deleted', 4n);
  store.deleteRange(bytes('deleted'));
  await put(store, 'deleted');
  expect(keysOf(lessor, 1n)).toEqual([]);
  expect(keysOf(lessor, 3n)).toEqual(['twice']);
  lessor.revoke(1n);
  lessor.revoke(4n);
  await store.settled();
  expect(await liveKeys(store)).toEqual(['deleted', 'moved', 'twice', 'without']);
  lessor.revoke(2n);
  await store.settled();
  expect(await liveKeys(store)).toEqual(['deleted', 'twice', 'without']);
});

test('L22: a put that keeps the lease asks whose the key is', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await put(store, 'foo', 1n);
  await put(store, 'foo', lessor.leaseOf(bytes('foo')), 'new');
  expect(store.get(bytes('foo'))).toMatchObject({ lease: 1n, version: 2 });
  expect(keysOf(lessor, 1n)).toEqual(['foo']);
});

test('L23: a put with an unknown lease is refused before anything changes', async () => {
  const { store, lessor } = await open();
  expect(await codeOf(() => lessor.put(bytes('foo'), bytes('v'), 99n))).toBe('LEASE_NOT_FOUND');
  expect(store.finishedRev()).toBe(1);
  lessor.grant(10, 99n);
  expect(lessor.put(bytes('foo'), bytes('v'), 99n)).toBe(2);
});

test('L24: so is a section that checks its leases first', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  const code = await codeOf(() =>
    lessor.write((txn, leases) => {
      for (const id of [1n, 99n]) leases.check(id);
      txn.put(bytes('a'), bytes('v'), 1n);
      txn.put(bytes('b'), bytes('v'), 99n);
    }),
  );
  expect([code, store.finishedRev(), lessor.lookup(1n)?.keyCount]).toEqual(['LEASE_NOT_FOUND', 1, 0]);
});

test('law 3: what a section that throws did with leases never was', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await put(store, 'a', 1n);
  const before = await rows(store);
  expect(
    await codeOf(() =>
      lessor.write((txn, leases) => {
        txn.put(bytes('b'), bytes('v'), leases.grant(10, 2n).id);
        leases.revoke(1n);
        leases.checkpoint({ id: 2n, remaining: 3 });
        throw new RangeError('no');
      }),
    ),
  ).toBe('RangeError');
  expect(lessor.list().map(({ id, keyCount }) => [id, keyCount])).toEqual([[1n, 1]]);
  await put(store, 'c', 1n);
  expect(keysOf(lessor, 1n)).toEqual(['a', 'c']);
  expect(lessor.size).toBe(1);
  expect(await rows(store)).toEqual(before);
  lessor.checkInvariants();
});

test('law 3: a section sees its own grants, puts and revocations', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await put(store, 'a', 1n);
  await put(store, 'b', 1n);
  const { revision } = lessor.write((txn, leases) => {
    const { id } = leases.grant(10, 2n);
    leases.check(id);
    txn.put(bytes('a'), bytes('v'), id); // leaves lease 1
    txn.put(bytes('c'), bytes('v'), 1n); // comes to it
    txn.deleteRange(bytes('b')); // leaves it
    expect(leases.revoke(1n)).toBe(1);
    expect(() => leases.check(1n)).toThrow('0000000000000001');
    expect(() => leases.grant(10, 1n)).toThrow('already');
  });
  await store.settled();
  expect([revision, await liveKeys(store), lessor.size]).toEqual([4, ['a'], 1]);
  expect(keysOf(lessor, 2n)).toEqual(['a']);
  lessor.checkInvariants();
});

test('a section that has ended is dead, and one inside another is refused', async () => {
  const { lessor } = await open();
  const { value: kept } = lessor.write((_, leases) => leases);
  expect(await codeOf(() => kept.grant(10))).toBe('MVCC_CLOSED');
  expect(await codeOf(() => lessor.write(() => lessor.grant(10)))).toBe('BACKEND_NESTED');
  expect(lessor.grant(10, 1n).id).toBe(1n);
  expect(await codeOf(() => lessor.write(async () => await Promise.resolve()))).toBe('TypeError');
});

test('M56: a put past the check is an orphan, and the write that moves a key does not fail', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await put(store, 'foo', 1n);
  await put(store, 'foo', 99n);
  expect([lessor.leaseOf(bytes('foo')), keysOf(lessor, 1n), store.get(bytes('foo'))?.lease]).toEqual([0n, [], 99n]);
  lessor.grant(10, 99n);
  expect(keysOf(lessor, 99n)).toEqual([]);
});

test('the store shows what the lessor counts', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  lessor.grant(10, 2n);
  await lessor.renew(1n);
  lessor.put(bytes('a'), bytes('v'), 1n);
  lessor.revoke(2n);
  expect(store.metrics).toMatchObject({
    lease_granted_total: 2,
    lease_revoked_total: 1,
    lease_renewed_total: 1,
    leases: 1,
    leased_keys: 1,
    put_total: 1,
  });
});

test('options are checked, and a lessor is prepared for one store', async () => {
  for (const wrong of [
    { minTTL: 1 },
    { minTtl: 0 },
    { expiryRate: 0 },
    { retryMs: 0 },
    { downtime: 'counted' },
    { random: 5 },
    { primary: 1 },
  ]) {
    expect(() => prepareLessor(wrong as object)).toThrow(/options|must be/);
  }
  expect(() => prepareLessor([] as object)).toThrow(TypeError);
  const medium = await makeMedium();
  await open({}, { medium });
});
