import { expect, test } from 'vitest';
import { addRole, addUser, enable, must } from './support/accounts.ts';
import { start, type Running } from './support/server.ts';

const lease = async (running: Running, ...ids: readonly number[]): Promise<void> => {
  for (const ID of ids) await must(running.call('leaseGrant', { ID, TTL: 60 }));
};

/** Waits until there are so many keys. */
async function keys(running: Running, prefix: string, count: number): Promise<void> {
  for (;;) {
    const answer = await must(running.call('range', { key: prefix, rangeEnd: `${prefix}~`, countOnly: true }));
    if ((answer['count'] ?? 0) === count) return;
  }
}

test('S199, SVLO1: a lease has one place, and gets it again', async () => {
  await using running = await start();
  await lease(running, 255);
  expect(await running.call('lock', { name: 'lk', lease: 255 })).toEqual({ rev: 2, key: 'lk/ff' });
  expect(await running.call('lock', { name: 'lk', lease: 255 })).toEqual({ rev: 2, key: 'lk/ff' });
  expect(await running.call('lock', { name: '', lease: 255 })).toEqual({ rev: 3, key: '/ff' });
});

test('S200: who comes later waits until the one before is gone', async () => {
  await using running = await start();
  await lease(running, 255, 4096, 7);
  await must(running.call('lock', { name: 'lk', lease: 255 }));
  const second = running.client.begin('lock', { name: 'lk', lease: 4096 });
  await keys(running, 'lk/', 2);
  const third = running.client.begin('lock', { name: 'lk', lease: 7 });
  await keys(running, 'lk/', 3);
  expect(await running.call('unlock', { key: 'lk/ff' })).toEqual({ rev: 5 });
  expect(await second.answer).toEqual({ rev: 5, key: 'lk/1000' });
  await must(running.call('unlock', { key: 'lk/1000' }));
  expect(await third.answer).toEqual({ rev: 6, key: 'lk/7' });
});

test('S200: a place in the middle that goes lets nobody in too early', async () => {
  await using running = await start();
  await lease(running, 1, 2, 3);
  await must(running.call('lock', { name: 'lk', lease: 1 }));
  const second = running.client.begin('lock', { name: 'lk', lease: 2 });
  await keys(running, 'lk/', 2);
  const third = running.client.begin('lock', { name: 'lk', lease: 3 });
  await keys(running, 'lk/', 3);
  second.cancel();
  await keys(running, 'lk/', 2);
  await must(running.call('unlock', { key: 'lk/1' }));
  expect(await third.answer).toMatchObject({ key: 'lk/3' });
});

test('S201, S202: without a lease the server makes one; one that there is not is an error', async () => {
  await using running = await start();
  const { key } = await must(running.call('lock', { name: 'lk' }));
  const { leases } = await must(running.call('leaseLeases'));
  const [{ ID }] = leases as [{ ID: number | bigint }];
  expect(key).toBe(`lk/${BigInt(ID).toString(16)}`);
  expect(await running.call('leaseTimeToLive', { ID })).toMatchObject({ grantedTTL: 60 });
  expect(await running.call('lock', { name: 'lk', lease: 99 })).toBe('UNKNOWN etcdserver: requested lease not found');
});

test('S203, SVQU3: a call that ends while it waits leaves no key behind', async () => {
  await using running = await start();
  await lease(running, 255, 4096);
  await must(running.call('lock', { name: 'lk', lease: 255 }));
  const late = running.client.begin('lock', { name: 'lk', lease: 4096 }, 300);
  expect(await late.answer).toMatch(/^DEADLINE_EXCEEDED/);
  await keys(running, 'lk/', 1);
  const cancelled = running.client.begin('lock', { name: 'lk', lease: 4096 });
  await keys(running, 'lk/', 2);
  cancelled.cancel();
  expect(await cancelled.answer).toMatch(/^CANCELLED/);
  await keys(running, 'lk/', 1);
});

test('S204, SVLO2: whose lease is gone gets no lock', async () => {
  await using running = await start();
  await lease(running, 255, 4096);
  await must(running.call('lock', { name: 'lk', lease: 255 }));
  const waiting = running.client.begin('lock', { name: 'lk', lease: 4096 });
  await keys(running, 'lk/', 2);
  await must(running.call('leaseRevoke', { ID: 4096 }));
  await must(running.call('unlock', { key: 'lk/ff' }));
  expect(await waiting.answer).toBe('UNKNOWN mutex: session is expired');
});

test('S205: unlocking', async () => {
  await using running = await start();
  expect(await running.call('unlock')).toBe('UNKNOWN etcdserver: key is not provided');
  expect(await running.call('unlock', { key: 'nope' })).toEqual({ rev: 1 });
});

test('S212, SVQU1: a lock needs rights to its keys, and who waits takes its key back with none', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addRole(running, 'r1', 'RW mine/ mine0');
  await addUser(running, 'u1', 'r1');
  const root = await enable(running);
  const u1 = await running.client.as('u1');
  await must(root.call('leaseGrant', { ID: 255, TTL: 60 }));
  await must(root.call('leaseGrant', { ID: 4096, TTL: 60 }));
  expect(await u1.call('lock', { name: 'lk', lease: 255 })).toBe('UNKNOWN etcdserver: permission denied');
  expect(await running.call('lock', { name: 'lk', lease: 255 })).toBe('UNKNOWN etcdserver: user name is empty');
  expect(await running.call('lock', { name: 'lk' })).toBe('UNKNOWN etcdserver: user name is empty');
  expect(await u1.call('lock', { name: 'mine', lease: 255 })).toEqual({ rev: 2, key: 'mine/ff' });
  const waiting = u1.begin('lock', { name: 'mine', lease: 4096 }, 300);
  expect(await waiting.answer).toMatch(/^DEADLINE_EXCEEDED/);
  for (;;) {
    const { count } = await must(root.call('range', { key: 'mine/', rangeEnd: 'mine0', countOnly: true }));
    if (count === 1) break;
  }
});

test('SVCL2: a server that stops ends those who wait, at once', async () => {
  // A call that went on waiting would hold the end up for longer than a test may take.
  const running = await start({ graceMs: 600_000 });
  await lease(running, 255, 4096);
  await must(running.call('lock', { name: 'lk', lease: 255 }));
  const waiting = running.client.begin('lock', { name: 'lk', lease: 4096 });
  await keys(running, 'lk/', 2);
  const closed = running.server.close();
  expect(await waiting.answer).toBe('UNAVAILABLE etcdserver: server stopped');
  await closed;
  await running[Symbol.asyncDispose]();
});
