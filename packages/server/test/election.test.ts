import { expect, test } from 'vitest';
import { must } from './support/accounts.ts';
import { start, type Running } from './support/server.ts';

const lease = async (running: Running, ...ids: readonly number[]): Promise<void> => {
  for (const ID of ids) await must(running.call('leaseGrant', { ID, TTL: 60 }));
};

test('S206, S207: an election without a leader', async () => {
  await using running = await start();
  expect(await running.call('leader', { name: 'el' })).toBe('UNKNOWN election: no leader');
  const missing = 'UNKNOWN "leader" field must be provided';
  expect(await running.call('proclaim', { value: 'v' })).toBe(missing);
  expect(await running.call('resign')).toBe(missing);
});

test('S208, SVEL1: a leader that campaigns again says something else', async () => {
  await using running = await start();
  await lease(running, 255);
  const leader = { name: 'el', key: 'el/ff', rev: 2, lease: 255 };
  expect(await running.call('campaign', { name: 'el', lease: 255, value: 'v1' })).toEqual({ rev: 2, leader });
  expect(await running.call('campaign', { name: 'el', lease: 255, value: 'v1' })).toEqual({ rev: 2, leader });
  expect(await running.call('campaign', { name: 'el', lease: 255, value: 'v2' })).toEqual({ rev: 2, leader });
  expect(await running.call('leader', { name: 'el' })).toEqual({
    rev: 3,
    kv: { key: 'el/ff', createRevision: 2, modRevision: 3, version: 2, value: 'v2', lease: 255 },
  });
});

test('S209: the next one leads when the leader resigns, and its header is of the time when it came', async () => {
  await using running = await start();
  await lease(running, 255, 4096);
  const { leader } = await must(running.call('campaign', { name: 'el', lease: 255, value: 'v1' }));
  const next = running.client.begin('campaign', { name: 'el', lease: 4096, value: 'v2' });
  while ((await must(running.call('range', { key: 'el/1000' })))['count'] === undefined);
  expect(await running.call('resign', { leader })).toEqual({ rev: 4 });
  expect(await next.answer).toEqual({ rev: 3, leader: { name: 'el', key: 'el/1000', rev: 3, lease: 4096 } });
});

test('S210: who is not the leader proclaims nothing, and resigns from nothing', async () => {
  await using running = await start();
  await lease(running, 255);
  const { leader } = await must(running.call('campaign', { name: 'el', lease: 255, value: 'v1' }));
  const old = { ...(leader as object), rev: 1 };
  expect(await running.call('proclaim', { leader: old, value: 'x' })).toBe('UNKNOWN election: not leader');
  expect(await running.call('resign', { leader: old })).toEqual({ rev: 2 });
  expect(await running.call('proclaim', { leader, value: 'v2' })).toEqual({ rev: 3 });
  expect(await running.call('leader', { name: 'el' })).toMatchObject({ kv: { value: 'v2' } });
});

test('S203, SVQU3: a campaign that is given up leaves no key behind', async () => {
  await using running = await start();
  await lease(running, 255, 4096);
  await must(running.call('campaign', { name: 'el', lease: 255, value: 'v1' }));
  const late = running.client.begin('campaign', { name: 'el', lease: 4096, value: 'v2' }, 300);
  expect(await late.answer).toMatch(/^DEADLINE_EXCEEDED/);
  while ((await must(running.call('range', { key: 'el/1000' })))['count'] === 1);
});

test('S211, SVEL2: observers get what leaders say, in order, none of it twice', async () => {
  await using running = await start();
  await lease(running, 1, 2);
  using observer = running.client.listen('observe', { name: 'el' });
  const { leader } = await must(running.call('campaign', { name: 'el', lease: 1, value: 'a' }));
  expect(await observer.next()).toMatchObject({ kv: { key: 'el/1', value: 'a' } });
  await must(running.call('proclaim', { leader, value: 'b' }));
  expect(await observer.next()).toMatchObject({ kv: { value: 'b' } });
  const next = running.client.begin('campaign', { name: 'el', lease: 2, value: 'c' });
  while ((await must(running.call('range', { key: 'el/2' })))['count'] === undefined);
  await must(running.call('proclaim', { leader, value: 'd' }));
  expect(await observer.next()).toMatchObject({ kv: { key: 'el/1', value: 'd' } });
  await must(running.call('resign', { leader }));
  expect(await observer.next()).toMatchObject({ kv: { key: 'el/2', value: 'c' } });
  await must(next.answer);
  // Many leaders later it still follows.
  for (let at = 0; at < 15; at++) {
    const own = await must(running.call('campaign', { name: 'el', lease: 2, value: `n${at}` }));
    expect(await observer.next()).toMatchObject({ kv: { value: `n${at}` } });
    await must(running.call('resign', own));
  }
  expect(observer.waiting).toBe(0);
});
