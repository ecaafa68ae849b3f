import { describe, expect, test } from 'vitest';
import { codeOf, collector, liveKeys, open, put, stateOf, turns } from './support.ts';

describe('signals', () => {
  test('a signal aborts at the time by the clock, whatever becomes of the lease', async () => {
    const { onExpired } = collector();
    const { lessor, clock } = await open({ onExpired });
    lessor.grant(5, 1n);
    const signal = lessor.signal(1n);
    expect(lessor.signal(1n)).toBe(signal);
    await clock.advance(4900);
    expect(signal.aborted).toBe(false);
    await clock.advance(200);
    expect(signal.reason).toMatchObject({ code: 'LEASE_NOT_FOUND' });
    expect(lessor.size).toBe(1);
    expect(lessor.signal(1n).aborted).toBe(true);
  });

  test('law 1: one that was revoked aborts when that is durable', async () => {
    const { store, lessor } = await open();
    lessor.grant(5, 1n);
    await put(store, 'a', 1n);
    const signal = lessor.signal(1n);
    const revisions: number[] = [];
    signal.addEventListener('abort', () => revisions.push(store.rev()));
    lessor.revoke(1n);
    expect(signal.aborted).toBe(false);
    await store.settled();
    await turns();
    expect(revisions).toEqual([3]);
  });

  test('a lessor that closes aborts what it cannot speak for any more', async () => {
    const { lessor } = await open();
    lessor.grant(5, 1n);
    const signal = lessor.signal(1n);
    await lessor.close();
    expect(signal.reason).toMatchObject({ code: 'LEASE_CLOSED' });
    expect(await codeOf(() => lessor.signal(1n))).toBe('LEASE_CLOSED');
  });
});

describe('renewals', () => {
  test('L31, L48: nothing is renewed without a primary; then every lease begins', async () => {
    const { lessor, clock } = await open({ primary: false });
    lessor.grant(10, 1n);
    expect([lessor.primary, lessor.lookup(1n)?.remaining]).toEqual([false, Infinity]);
    expect(await codeOf(() => lessor.renew(1n))).toBe('LEASE_NOT_PRIMARY');
    await clock.advance(100_000);
    await lessor.promote();
    expect([lessor.primary, lessor.lookup(1n)?.remaining]).toEqual([true, 10]);
    lessor.checkInvariants();
  });

  test('L32, L33, L73: a renewal gives the whole TTL', async () => {
    const { lessor, clock } = await open();
    lessor.grant(10, 1n);
    await clock.advance(9000);
    expect(lessor.lookup(1n)?.remaining).toBe(1);
    expect(await lessor.renew(1n)).toBe(10);
    expect(lessor.lookup(1n)?.remaining).toBe(10);
    expect(await codeOf(() => lessor.renew(99n))).toBe('LEASE_NOT_FOUND');
    expect(await codeOf(() => lessor.renew(0n))).toBe('LEASE_NOT_FOUND');
  });

  test('L35, L75, R84: one that has run out is not brought back: the answer waits until it is gone for all to see', async () => {
    const { onExpired } = collector();
    const { store, lessor, clock } = await open({ onExpired });
    lessor.grant(2, 1n);
    await put(store, 'foo', 1n);
    await clock.advance(2000);
    const renewal = lessor.renew(1n);
    const seen = renewal.catch(() => store.rev());
    expect(await stateOf(renewal)).toBe('pending');
    lessor.revoke(1n);
    expect(await stateOf(renewal)).toBe('LEASE_NOT_FOUND');
    expect(await seen).toBe(3);
  });

  test('L36, L37: who waits for that hears when the lessor is demoted or closed', async () => {
    for (const end of ['demote', 'close', 'store'] as const) {
      const { onExpired } = collector();
      const { store, lessor, clock } = await open({ onExpired });
      lessor.grant(2, 1n);
      await clock.advance(2000);
      const renewal = lessor.renew(1n);
      expect(await stateOf(renewal)).toBe('pending');
      if (end === 'demote') lessor.demote();
      else if (end === 'close') await lessor.close();
      else await store.close();
      expect(await stateOf(renewal)).toBe('LEASE_NOT_PRIMARY');
      expect(clock.timers.size).toBe(0);
    }
  });

  test('L83: what a renewal says is true of the state before the deletions', async () => {
    const { store, lessor } = await open();
    lessor.grant(2, 1n);
    await put(store, 'foo', 1n);
    const before = store.rev();
    const renewal = lessor.renew(1n);
    lessor.revoke(1n);
    expect(await renewal).toBe(2);
    await store.settled();
    expect(store.rev()).toBeGreaterThan(before);
    expect(await codeOf(() => lessor.renew(1n))).toBe('LEASE_NOT_FOUND');
  });
});

test('law 12: who renews a lease that has run out need not wait for a timer, which keeps no process', async () => {
  const { store, lessor, clock } = await open();
  lessor.grant(2, 1n);
  await put(store, 'foo', 1n);
  clock.ms += 2000;
  expect(await codeOf(() => lessor.renew(1n))).toBe('LEASE_NOT_FOUND');
  expect(await liveKeys(store)).toEqual([]);
});
