import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { type FinishedTransaction, openStore } from '@varve/mvcc';
import { expect, test } from 'vitest';
import { prepareLessor } from '../src/prepare-lessor.ts';
import { bytes, codeOf, keysOf, liveKeys, open, put, restart, turns } from './support.ts';

test('L25, L27: what is attached and detached by puts and deletions', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await put(store, 'foo', 1n);
  await put(store, 'bar', 1n);
  await put(store, 'foo');
  await put(store, 'other');
  store.deleteRange(bytes('other'));
  expect(keysOf(lessor, 1n)).toEqual(['bar']);
  expect([lessor.leaseOf(bytes('foo')), lessor.leaseOf(bytes('bar')), lessor.leaseOf(bytes('no'))]).toEqual([
    0n,
    1n,
    0n,
  ]);
  lessor.checkInvariants();
});

test('L26: nothing can be attached to a lease that is not there, nor asked of it', async () => {
  const { lessor } = await open();
  expect(await codeOf(() => lessor.put(bytes('foo'), bytes('v'), 9n))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => lessor.check(9n))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => lessor.keys(9n))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => lessor.signal(9n))).toBe('LEASE_NOT_FOUND');
  expect([lessor.lookup(9n), lessor.check(0n)]).toEqual([undefined, undefined]);
});

test('L28, L77: the lease with least time left comes first', async () => {
  const { lessor, clock } = await open();
  for (const [i, ttl] of [30, 10, 20].entries()) lessor.grant(ttl, BigInt(i + 1));
  expect(lessor.list().map(({ ttl }) => ttl)).toEqual([10, 20, 30]);
  await clock.advance(9000);
  await lessor.renew(2n);
  expect(lessor.list().map(({ ttl, remaining }) => [ttl, remaining])).toEqual([
    [10, 10],
    [20, 11],
    [30, 21],
  ]);
});

test('L29: an old revision shows the lease that the key had', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  const revision = await put(store, 'foo', 1n);
  lessor.revoke(1n);
  await store.settled();
  expect(store.get(bytes('foo'), { revision })?.lease).toBe(1n);
});

test('L30: two writers attach and two readers list, all at once', async () => {
  const { store, lessor } = await open();
  lessor.grant(1000, 1n);
  const writer = async (name: string): Promise<void> => {
    for (let i = 0; i < 1000; i++) {
      lessor.put(bytes(`${name}/${i}`), bytes('v'), 1n);
      if (i % 50 === 0) await turns(1);
    }
  };
  const reader = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const keys = lessor.keys(1n);
      expect(keys.length).toBe(lessor.lookup(1n)!.keyCount);
      await turns(1);
    }
  };
  await Promise.all([writer('a'), reader(), writer('b'), reader()]);
  await store.settled();
  expect(keysOf(lessor, 1n)).toEqual(await liveKeys(store));
  expect(lessor.size).toBe(1);
  lessor.checkInvariants();
});

test('L60, L61, L62, L63: after a restart, too, the last record decides', async () => {
  const first = await open();
  const { store, lessor } = first;
  for (const id of [1n, 2n, 3n, 4n, 5n]) lessor.grant(1000, id);
  await put(store, 'moved', 1n);
  await put(store, 'moved', 2n);
  await put(store, 'left', 3n);
  await put(store, 'left');
  await put(store, 'deleted', 4n);
  store.deleteRange(bytes('deleted'));
  await put(store, 'twice', 5n);
  const revision = await put(store, 'twice', 5n);
  await (await store.compact(revision)).finished();
  const again = await restart(first);
  again.lessor.checkInvariants();
  expect([again.lessor.revoke(1n), again.lessor.revoke(3n), again.lessor.revoke(4n)]).toEqual([0, 0, 0]);
  expect([again.lessor.revoke(2n), again.lessor.revoke(5n)]).toEqual([1, 1]);
  await again.store.settled();
  expect(await liveKeys(again.store)).toEqual(['left']);
  expect(again.store.rev()).toBe(revision + 2);
});

test('L65: a lease with a negative id keeps its key over a restart', async () => {
  const first = await open();
  first.lessor.grant(100, -7n);
  await put(first.store, 'foo', -7n);
  const { store, lessor } = await restart(first);
  expect([lessor.lookup(-7n)?.ttl, keysOf(lessor, -7n)]).toEqual([100, ['foo']]);
  expect(lessor.revoke(-7n)).toBe(1);
  await store.settled();
  expect(await liveKeys(store)).toEqual([]);
});

test('L66, M77: a record of a lease that is not there is told of, and can be put again with it', async () => {
  const told: unknown[] = [];
  const listener = (message: unknown): void => void told.push(message);
  const first = await open();
  await put(first.store, 'foo', 99n);
  subscribe('varve.lease.background-error', listener);
  const { store, lessor } = await restart(first);
  unsubscribe('varve.lease.background-error', listener);
  expect(told).toMatchObject([{ work: 'attach', error: { code: 'LEASE_NOT_FOUND' } }]);
  expect(lessor.leaseOf(bytes('foo'))).toBe(0n);
  await put(store, 'foo', store.get(bytes('foo'))!.lease, 'new');
  expect(store.get(bytes('foo'))?.lease).toBe(99n);
  lessor.checkInvariants();
});

test('LST3: a transaction without leases is not taken apart while no key has one', async () => {
  await using backend = await openBackend(memoryEngine());
  const prepared = prepareLessor();
  let taken = 0;
  const store = await openStore(backend, {
    observers: [
      (opened) => {
        const observer = prepared.observe(opened);
        const counted = (transaction: FinishedTransaction): void =>
          observer.finished?.({
            revision: transaction.revision,
            hasLease: transaction.hasLease,
            get changes() {
              taken++;
              return transaction.changes;
            },
          });
        return { ...observer, finished: counted };
      },
    ],
  });
  const lessor = await prepared.open();
  const { id } = lessor.grant(60);
  for (let n = 0; n < 10; n++) store.put(bytes(`plain/${n}`), bytes('v'));
  expect(taken).toBe(0);
  store.put(bytes('held'), bytes('v'), id);
  expect(lessor.keys(id)).toHaveLength(1);
  // Any key may be the one that is held: from now on each is looked at.
  store.put(bytes('held'), bytes('v'));
  expect([taken, lessor.keys(id).length]).toEqual([2, 0]);
  store.put(bytes('plain/0'), bytes('v'));
  expect(taken).toBe(2);
  await lessor.close();
  await store.close();
});
