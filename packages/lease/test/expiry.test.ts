import { memoryEngine } from '@varve/backend/memory';
import { openBackend } from '@varve/backend';
import { openStore, type FinishedTransaction } from '@varve/mvcc';
import { describe, expect, test } from 'vitest';
import { bytes, close, codeOf, collector, crash, liveKeys, open, put, restart, text, turns } from './support.ts';
import { prepareLessor } from '../src/prepare-lessor.ts';

test('L34: a lease is taken at its time, not before, and once', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired });
  lessor.grant(5, 1n);
  await clock.advance(4999);
  expect(batches).toEqual([]);
  await clock.advance(501);
  expect(batches).toEqual([[1n]]);
});

test('L74: by itself the lessor takes the keys of what has run out, in a revision of its own each', async () => {
  const told: FinishedTransaction[] = [];
  const { store, lessor, clock } = await open({}, { observers: [() => ({ finished: (one) => void told.push(one) })] });
  for (const id of [1n, 2n]) lessor.grant(2, id);
  for (const key of ['k2', 'k1']) await put(store, key, 1n);
  await put(store, 'other', 2n);
  told.length = 0;
  await clock.advance(1999);
  expect(await liveKeys(store)).toEqual(['k1', 'k2', 'other']);
  await clock.advance(1000);
  expect(await liveKeys(store)).toEqual([]);
  expect(
    told.map(({ revision, changes }) => [revision, changes.map(({ type, kv }) => `${type} ${text(kv.key)}`)]),
  ).toEqual([
    [5, ['delete k1', 'delete k2']],
    [6, ['delete other']],
  ]);
  expect(lessor.size).toBe(0);
  lessor.checkInvariants();
});

test('L38: what could not be taken away is offered again after the retry interval, not before', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired, retryMs: 3000 });
  lessor.grant(5, 1n);
  await clock.advance(5000);
  await clock.advance(2900);
  expect(batches).toEqual([[1n]]);
  await clock.advance(200);
  expect(batches).toEqual([[1n], [1n]]);
  lessor.revoke(1n);
  await clock.advance(10_000);
  expect(batches.length).toBe(2);
});

test('L39: of fifty leases only the one that has run out is offered, and stays in the queue', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired });
  lessor.grant(1, 1n);
  for (let id = 2n; id <= 50n; id++) lessor.grant(1000, id);
  await clock.advance(1000);
  await clock.advance(1000);
  expect(batches).toEqual([[1n]]);
  await clock.advance(2100);
  expect(batches).toEqual([[1n], [1n]]);
  expect(lessor.size).toBe(50);
  lessor.checkInvariants();
});

test('L40: a lease that is renewed in time is never offered', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired });
  lessor.grant(3, 1n);
  for (let i = 0; i < 30; i++) {
    await clock.advance(1000);
    expect(await lessor.renew(1n)).toBe(3);
  }
  expect(batches).toEqual([]);
});

test('L41: with a rate of a thousand a second, five hundred go every half second', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired, expiryRate: 1000, retryMs: 60_000 });
  for (let i = 1; i <= 2000; i++) lessor.grant(1, BigInt(i));
  await clock.advance(1000);
  const seen = [batches.length];
  for (let i = 0; i < 4; i++) {
    await clock.advance(500);
    seen.push(batches.length);
  }
  expect(seen).toEqual([1, 2, 3, 4, 4]);
  expect(batches.map((ids) => ids.length)).toEqual([500, 500, 500, 500]);
  expect(new Set(batches.flat()).size).toBe(2000);
});

test('L42: while nobody answers sixteen batches are under way; then nothing is lost', async () => {
  const batches: (readonly bigint[])[] = [];
  const answers: (() => void)[] = [];
  const onExpired = async (ids: readonly bigint[]): Promise<void> => {
    batches.push(ids);
    await new Promise<void>((resolve) => answers.push(resolve));
  };
  const { lessor, clock } = await open({ onExpired, retryMs: 3_600_000 });
  for (let i = 1; i <= 10_000; i++) lessor.grant(1, BigInt(i));
  await clock.advance(30_000);
  expect(batches.length).toBe(16);
  expect(await lessor.renew(lessor.grant(100).id)).toBe(100);
  for (let i = 0; i < 100 && answers.length > 0; i++) {
    for (const answer of answers.splice(0)) answer();
    await clock.advance(1000);
  }
  expect(new Set(batches.flat()).size).toBe(10_000);
  lessor.checkInvariants();
});

test('L43: one that ran out and is not taken yet begins anew when the lessor is promoted again', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired });
  lessor.grant(5, 1n);
  clock.ms += 6000;
  lessor.demote();
  await clock.advance(60_000);
  expect(batches).toEqual([]);
  await lessor.promote();
  expect(lessor.lookup(1n)?.remaining).toBe(5);
  await clock.advance(4999);
  expect(batches).toEqual([]);
  await clock.advance(101);
  expect(batches).toEqual([[1n]]);
});

test('L44: one that was revoked is not offered', async () => {
  const { batches, onExpired } = collector();
  const { lessor, clock } = await open({ onExpired });
  lessor.grant(5, 1n);
  lessor.revoke(1n);
  await clock.advance(10_000);
  expect(batches).toEqual([]);
});

test('L47, R86: no timer is asked for more than it can wait', async () => {
  const { store, lessor, clock } = await open();
  lessor.grant(9_000_000_000, 1n);
  await put(store, 'foo', 1n);
  await clock.advance(1000);
  expect(await liveKeys(store)).toEqual(['foo']);
  expect(clock.longestWait).toBeLessThanOrEqual(2 ** 31 - 1);
  expect(clock.timers.size).toBe(1);
  lessor.demote();
  await lessor.promote();
  await clock.advance(2 ** 31);
  expect(lessor.lookup(1n)?.remaining).toBe(9_000_000_000 - 2 ** 31 / 1000);
});

test('law 12: a timer of Node waits for leases, once, and does not keep the process', async () => {
  const holding = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = holding();
  const prepared = prepareLessor();
  const store = await openStore(await openBackend(memoryEngine()), { observers: [prepared.observe] });
  const lessor = await prepared.open();
  lessor.grant(9_000_000_000);
  lessor.grant(1000);
  expect(holding()).toBe(before);
  await lessor.close();
  await store.close();
});

test('law 10: what falls due together goes in slices, and others have turns in between', async () => {
  const { store, lessor, clock } = await open();
  for (let i = 1; i <= 3000; i++) {
    lessor.grant(10, BigInt(i));
    store.put(bytes(`k${i}`), bytes('v'), BigInt(i));
  }
  await store.settled();
  let rests = 0;
  const { turn } = clock;
  Object.assign(clock, { turn: async () => await turn().then(() => void rests++) });
  clock.ms += 10_000;
  clock.lookMs = 0.02; // a lease takes at least one look
  await clock.advance(3000);
  for (let i = 0; i < 1000 && lessor.size > 0; i++) await turns(10);
  expect(lessor.size).toBe(0);
  expect(rests).toBeGreaterThan(20);
  expect(store.rev()).toBe(6001);
  lessor.checkInvariants();
});

test('law 9: a lessor whose leases are all gone has given their memory back, and works on', async () => {
  const { store, lessor } = await open();
  for (let round = 0; round < 2; round++) {
    for (let i = 1; i <= 5000; i++) {
      lessor.grant(10, BigInt(i));
      store.put(bytes(`k${i}`), bytes('v'), BigInt(i));
    }
    lessor.checkInvariants();
    for (let i = 1; i <= 5000; i++) expect(lessor.revoke(BigInt(i))).toBe(1);
    lessor.checkInvariants();
    expect([lessor.size, lessor.list()]).toEqual([0, []]);
  }
});

describe('a lease that fails to go', () => {
  test('law 8: after a failed commit nothing runs out, and everybody is told why', async () => {
    const { store, lessor, clock, medium } = await open();
    lessor.grant(2, 1n);
    lessor.grant(60, 2n);
    await put(store, 'foo', 1n);
    const signal = lessor.signal(2n);
    medium.endAfter(0);
    await clock.advance(2500);
    expect(signal.reason).toMatchObject({ code: 'BACKEND_FAILED' });
    expect(await codeOf(() => lessor.renew(2n))).toBe('BACKEND_FAILED');
    expect(await codeOf(() => lessor.signal(2n))).toBe('BACKEND_FAILED');
    expect(await liveKeys(store)).toEqual(['foo']);
    expect(clock.timers.size).toBe(0);
  });

  test('L38: what the consumer throws is told of, and it is asked again', async () => {
    let calls = 0;
    const onExpired = async (): Promise<void> => {
      calls++;
      throw new Error('no majority');
    };
    const { lessor, clock } = await open({ onExpired, retryMs: 1000 });
    lessor.grant(1, 1n);
    await clock.advance(3500);
    expect(calls).toBe(3);
  });
});

describe('time and the wall clock', () => {
  test('R83, law 11: a wall clock that jumps ends nothing and prolongs nothing while the process runs', async () => {
    const { lessor, clock } = await open();
    lessor.grant(10, 1n);
    clock.wallOffsetMs += 1e12;
    await clock.advance(9900);
    expect(lessor.size).toBe(1);
    clock.wallOffsetMs -= 3e12;
    await clock.advance(200);
    expect(lessor.size).toBe(0);
  });

  test('L64: time while a store was closed does not count if that is asked for', async () => {
    const first = await open({ downtime: 'ignored' });
    first.lessor.grant(10, 1n);
    await put(first.store, 'foo', 1n);
    await first.clock.advance(5000);
    const { store, lessor, clock } = await restart(first, { downtime: 'ignored' }, 3_600_000);
    expect([lessor.lookup(1n)?.remaining, await liveKeys(store)]).toEqual([10, ['foo']]);
    await clock.advance(10_100);
    expect(await liveKeys(store)).toEqual([]);
  });

  test('otherwise it does: what ran out while the store was closed is gone when it is open', async () => {
    const first = await open();
    first.lessor.grant(10, 1n);
    first.lessor.grant(3600, 2n);
    first.lessor.grant(10, 3n);
    await put(first.store, 'foo', 1n);
    await put(first.store, 'bar', 2n);
    await first.clock.advance(5000);
    await first.lessor.renew(3n);
    const second = await restart(first, {}, 7000);
    expect(await liveKeys(second.store)).toEqual(['bar']);
    expect(second.lessor.list().map(({ id, remaining }) => [id, remaining])).toEqual([
      [3n, 3],
      [2n, 3588],
    ]);
    expect(second.backend.buckets()).toEqual(['key', 'lease', 'meta']);
    second.lessor.checkInvariants();
    // Set back while closed: nobody gets more than there was.
    second.clock.wallOffsetMs -= 1e9;
    const third = await restart(second);
    expect(third.lessor.list().map(({ remaining }) => remaining)).toEqual([3, 3588]);
  });

  test('time does not count either where an etcd has had the data in between: it may have renewed its leases', async () => {
    const first = await open();
    first.lessor.grant(10, 1n);
    await close(first);
    const backend = await openBackend(first.medium.attach());
    const etcd = await openStore(backend);
    etcd.write((txn) => txn.setAppliedIndex(7n, 2n));
    await etcd.close();
    await backend.close();
    first.clock.ms += 3_600_000;
    const { lessor } = await open({}, { clock: first.clock, medium: first.medium });
    expect(lessor.lookup(1n)?.remaining).toBe(10);
  });

  test('L34, R85, law 7: after a crash nobody knows the time, and every lease has its TTL again', async () => {
    const first = await open();
    first.lessor.grant(10, 1n);
    const second = await restart(first, {}, 4000);
    expect(second.lessor.lookup(1n)?.remaining).toBe(6);
    const third = await crash(second, {}, 3_600_000);
    expect(third.lessor.lookup(1n)?.remaining).toBe(10);
  });
});

test('every call of a lessor that is closed says so, and the store goes on', async () => {
  const { store, lessor } = await open();
  lessor.grant(10, 1n);
  await lessor.close();
  await lessor.close();
  for (const call of [
    () => lessor.grant(10),
    () => lessor.revoke(1n),
    () => lessor.put(bytes('a'), bytes('v'), 1n),
    () => lessor.write(() => 1),
    () => lessor.promote(),
  ]) {
    expect(await codeOf(call)).toBe('LEASE_CLOSED');
  }
  expect(await codeOf(() => lessor.renew(1n))).toBe('LEASE_NOT_PRIMARY');
  expect(await put(store, 'a')).toBe(2);
});
