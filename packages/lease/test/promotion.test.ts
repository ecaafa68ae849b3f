import { buckets, openBackend } from '@varve/backend';
import { openStore } from '@varve/mvcc';
import { describe, expect, test } from 'vitest';
import type { LeaseCheckpoint } from '../src/lessor.ts';
import { prepareLessor } from '../src/prepare-lessor.ts';
import {
  close,
  codeOf,
  crash,
  keysOf,
  liveKeys,
  makeMedium,
  open,
  put,
  restart,
  rows,
  stateOf,
  TestClock,
  turns,
  worldWith,
  type Opened,
} from './support.ts';

describe('promotions', () => {
  test('L49, L50: each lease has what it had left, and the extension', async () => {
    const { lessor } = await open({ primary: false });
    lessor.grant(10, 1n);
    lessor.grant(10, 2n);
    lessor.checkpoint([{ id: 1n, remaining: 5 }]);
    await lessor.promote();
    expect([1n, 2n].map((id) => lessor.lookup(id)?.remaining)).toEqual([5, 10]);
    await lessor.promote(3000);
    expect([1n, 2n].map((id) => lessor.lookup(id)?.remaining)).toEqual([8, 13]);
    lessor.checkInvariants();
  });

  /** How many leases end in each second from now. */
  async function perSecond(
    rate: number,
    groups: readonly (readonly [count: number, ttl: number])[],
  ): Promise<Map<number, number>> {
    const { lessor } = await open({ primary: false, expiryRate: rate });
    for (const [count, ttl] of groups) for (let i = 0; i < count; i++) lessor.grant(ttl);
    await lessor.promote();
    const seconds = new Map<number, number>();
    for (const { remaining, ttl } of lessor.list()) {
      expect(remaining).toBeGreaterThanOrEqual(ttl);
      const second = Math.floor(remaining + 1e-9);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    return seconds;
  }

  test('L51: a pile-up is spread below the rate, and nobody loses time', async () => {
    const seconds = await perSecond(10, [
      [100, 10],
      [100, 11],
    ]);
    for (let second = 10; second < 30; second++) {
      expect(seconds.get(second)).toBeGreaterThanOrEqual(5);
      expect(seconds.get(second)).toBeLessThanOrEqual(10);
    }
    expect(Math.max(...seconds.values())).toBeLessThanOrEqual(10);
  });

  test('L52: few leases are not spread', async () => {
    expect([...(await perSecond(10, [[5, 20]]))]).toEqual([[20, 5]]);
  });

  test('a lessor that is demoted while it is promoted stays demoted', async () => {
    const { lessor, clock } = await open({ primary: false });
    for (let i = 0; i < 5000; i++) lessor.grant(10);
    clock.lookMs = 0.05; // so slices are short
    const promotion = lessor.promote();
    lessor.demote();
    await promotion;
    lessor.demote();
    lessor.checkInvariants();
    expect(lessor.list().every(({ remaining }) => remaining === Infinity)).toBe(true);
  });

  test('a lease that is granted or renewed during a promotion keeps its own time', async () => {
    const { lessor, clock } = await open({ primary: false });
    for (let i = 1; i <= 5000; i++) lessor.grant(10, BigInt(i));
    clock.lookMs = 0.05;
    const promotion = lessor.promote(60_000);
    clock.lookMs = 0;
    lessor.grant(10, 5001n);
    await lessor.renew(5000n);
    await promotion;
    expect(lessor.lookup(1n)!.remaining).toBeGreaterThan(60);
    expect(lessor.lookup(5000n)!.remaining).toBeLessThanOrEqual(10);
    expect(lessor.lookup(5001n)!.remaining).toBeLessThanOrEqual(10);
    lessor.checkInvariants();
  });
});

describe('checkpoints', () => {
  /** A checkpointer that writes down what it gets, and applies it as a log would. */
  async function watched(
    options: object,
    primary = true,
  ): Promise<Opened & { readonly batches: (readonly LeaseCheckpoint[])[] }> {
    const batches: (readonly LeaseCheckpoint[])[] = [];
    let opened: Opened | undefined;
    const checkpointer = async (list: readonly LeaseCheckpoint[]): Promise<void> => {
      batches.push(list);
      opened!.lessor.checkpoint(list);
      await opened!.store.settled();
    };
    opened = await open({ checkpointer, primary, ...options });
    return { ...opened, batches };
  }

  test('L45: a renewal forgets the checkpoint before it answers', async () => {
    const { lessor, store, batches } = await watched({ primary: false });
    lessor.grant(10, 1n);
    lessor.checkpoint([{ id: 1n, remaining: 5 }]);
    await lessor.promote();
    expect(lessor.lookup(1n)?.remaining).toBe(5);
    expect(await lessor.renew(1n)).toBe(10);
    expect(batches).toEqual([[{ id: 1n, remaining: 0 }]]);
    expect(lessor.lookup(1n)?.remaining).toBe(10);
    expect(await rows(store)).toEqual([['0000000000000001', '0801100a']]);
  });

  test('L46: a lease that is revoked meanwhile is not brought back', async () => {
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const { lessor } = await open({ primary: false, checkpointer: () => gate });
    lessor.grant(10, 1n);
    lessor.checkpoint([{ id: 1n, remaining: 5 }]);
    await lessor.promote();
    const renewal = lessor.renew(1n);
    expect(await stateOf(renewal)).toBe('pending');
    lessor.revoke(1n);
    go();
    expect(await stateOf(renewal)).toBe('LEASE_NOT_FOUND');
    expect(lessor.size).toBe(0);
    lessor.checkInvariants();
  });

  test('what a checkpointer fails with is what the renewal fails with', async () => {
    const { lessor } = await open({
      primary: false,
      checkpointer: () => Promise.reject(new RangeError('no majority')),
    });
    lessor.grant(10, 1n);
    lessor.checkpoint([{ id: 1n, remaining: 5 }]);
    await lessor.promote();
    expect(await codeOf(() => lessor.renew(1n))).toBe('RangeError');
    expect(lessor.lookup(1n)?.remaining).toBe(5);
  });

  test('L53: one checkpoint of what is left', async () => {
    const { lessor, clock, batches } = await watched({ checkpointIntervalMs: 1000, onExpired: async () => undefined });
    lessor.grant(2, 1n);
    await clock.advance(2500);
    expect(batches).toEqual([[{ id: 1n, remaining: 1 }]]);
  });

  test('L54: a lease that lives no longer than the interval is never checkpointed', async () => {
    const { lessor, clock, batches } = await watched({ onExpired: async () => undefined });
    lessor.grant(300, 1n);
    lessor.grant(301, 2n);
    await clock.advance(299_999);
    expect(batches).toEqual([]);
    await clock.advance(1000);
    expect(batches).toEqual([[{ id: 2n, remaining: 1 }]]);
  });

  test('L55: a long lease is checkpointed every interval, renewed or not', async () => {
    const { lessor, clock, batches } = await watched({ checkpointIntervalMs: 1000 });
    lessor.grant(100, 1n);
    await clock.advance(5500);
    expect(batches.flat().map(({ remaining }) => remaining)).toEqual([99, 98, 97, 96, 95]);
    batches.length = 0;
    await lessor.renew(1n);
    await clock.advance(2500);
    expect(batches.flat().map(({ remaining }) => remaining)).toEqual([0, 99, 98]);
    lessor.checkInvariants();
  });

  test('L56: 2500 at once go in batches of a thousand', async () => {
    const { lessor, clock, batches } = await watched({ checkpointIntervalMs: 1000 });
    for (let i = 0; i < 2500; i++) lessor.grant(100);
    await clock.advance(1000);
    expect(batches.map((list) => list.length)).toEqual([1000, 1000, 500]);
  });

  test('L57: a checkpoint is kept over a crash, unless that is switched off', async () => {
    for (const [persistCheckpoints, left] of [
      [true, 5],
      [false, 10],
    ] as const) {
      const first = await open({ persistCheckpoints });
      first.lessor.grant(10, 2n);
      first.lessor.checkpoint([{ id: 2n, remaining: 5 }]);
      await first.store.settled();
      const { lessor } = await crash(first);
      expect(lessor.lookup(2n)?.remaining).toBe(left);
    }
  });

  test('L58: a checkpoint of no lease has no effect', async () => {
    const { lessor, store } = await open();
    lessor.checkpoint([{ id: 99n, remaining: 5 }]);
    await store.settled();
    expect(await rows(store)).toEqual([]);
    expect(await codeOf(() => lessor.checkpoint([{ id: 99n, remaining: -1 }]))).toBe('RangeError');
  });

  test('by itself the lessor writes them: after a crash a long lease goes on where it was, give or take the interval', async () => {
    const first = await open({ checkpointIntervalMs: 60_000 });
    first.lessor.grant(1000, 1n);
    first.lessor.grant(1000, 2n);
    await first.clock.advance(630_000);
    await first.lessor.renew(2n);
    const second = await crash(first, { checkpointIntervalMs: 60_000 });
    expect([1n, 2n].map((id) => second.lessor.lookup(id)?.remaining)).toEqual([400, 1000]);
  });
});

describe('loading', () => {
  test('L59: a TTL below the least is the least; a row that is none is told of', async () => {
    const medium = await makeMedium();
    const backend = await openBackend(medium.attach());
    backend.batchTx((tx) => {
      tx.createBucket(buckets.lease);
      tx.put(buckets.lease, Buffer.from('0000000000000001', 'hex'), Buffer.from('08011001', 'hex'));
      // A field that a later etcd might have.
      tx.put(buckets.lease, Buffer.from('0000000000000002', 'hex'), Buffer.from('0802100a2a02ffff2007', 'hex'));
    });
    await backend.close();
    const opened = await open({ minTtl: 2 }, { medium });
    expect(opened.lessor.list().map(({ id, ttl }) => [id, ttl])).toEqual([
      [1n, 2],
      [2n, 10],
    ]);
    await close(opened);
    const again = await openBackend(medium.attach());
    again.batchTx((tx) => tx.put(buckets.lease, Buffer.from('0000000000000003', 'hex'), Buffer.from('0804', 'hex')));
    const prepared = prepareLessor({ world: worldWith(new TestClock()) });
    const store = await openStore(again, { observers: [prepared.observe] });
    const error: Error = await prepared.open().then(
      () => new Error('opened'),
      (reason: Error) => reason,
    );
    expect([(error as Error & { code?: string }).code, error.message.includes('0000000000000003')]).toEqual([
      'LEASE_CORRUPT',
      true,
    ]);
    await store.close();
    await again.close();
  });

  test('spec 2.10: a store that moves to other data has its leases, keys and times in the same tick', async () => {
    const source = await open();
    source.lessor.grant(100, 1n);
    source.lessor.grant(100, 2n);
    await put(source.store, 'a', 1n);
    await put(source.store, 'b', 2n);
    await source.clock.advance(50_000);
    await close(source);
    const { store, lessor, clock } = await open();
    lessor.grant(10, 1n);
    lessor.grant(10, 9n);
    await put(store, 'old', 9n);
    const [kept, lost] = [lessor.signal(1n), lessor.signal(9n)];
    const next = await openBackend(source.medium.attach());
    let during = '';
    const restoring = store.restore(next).then(() => {
      during = lessor
        .list()
        .map(({ id, keyCount }) => `${id} ${keyCount}`)
        .join();
    });
    lessor.grant(10, 8n);
    await restoring;
    expect(during).toBe('1 1,2 1');
    expect([kept.aborted, lost.aborted]).toEqual([false, true]);
    expect(await lessor.renew(1n)).toBe(100);
    lessor.checkInvariants();
    // What an earlier closing left there is gone: time since then must not count a second time.
    expect(next.buckets()).toEqual(['key', 'lease', 'meta']);
    lessor.revoke(2n);
    await store.settled();
    expect(await liveKeys(store)).toEqual(['a']);
    await clock.advance(100_100);
    expect([lessor.size, await liveKeys(store)]).toEqual([0, []]);
    await lessor.close();
    await store.close();
    await next.close();
  });

  test('transactions that finish before the lessor is open are not lost to it', async () => {
    const first = await open();
    first.lessor.grant(100, 1n);
    await put(first.store, 'a', 1n);
    await close(first);
    const backend = await openBackend(first.medium.attach());
    const prepared = prepareLessor({ world: worldWith(first.clock) });
    const store = await openStore(backend, { observers: [prepared.observe] });
    const opening = prepared.open();
    store.put(Buffer.from('b'), Buffer.from('v'), 1n);
    store.deleteRange(Buffer.from('a'));
    const lessor = await opening;
    expect(keysOf(lessor, 1n)).toEqual(['b']);
    await lessor.close();
    await store.close();
    await backend.close();
  });

  test('a great many leases load in slices', async () => {
    const first = await open();
    for (let i = 1; i <= 3000; i++) first.lessor.grant(100 + (i % 7), BigInt(i));
    const { lessor } = await restart(first, { expiryRate: 1000 });
    await turns();
    expect(lessor.size).toBe(3000);
    lessor.checkInvariants();
  });
});
