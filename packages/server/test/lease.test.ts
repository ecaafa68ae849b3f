import { beforeEach, expect, test } from 'vitest';
import { bytes, type Plain } from './support/messages.ts';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

/** A lease of two seconds, whose keys are its own before the loop turns: they have all of its time, whatever the machine does. */
function grantShort(...keys: readonly string[]): void {
  server.lessor.grant(2, 5n);
  for (const key of keys) server.lessor.put(bytes(key), bytes('v'), 5n);
}

test('L67, L68, L69, L70: granting and revoking', async () => {
  for (const [asked, granted] of [
    [0, 2],
    [-5, 2],
    [1, 2],
    [100, 100],
  ]) {
    const { ID, TTL } = (await server.call('leaseGrant', { TTL: asked })) as {
      readonly ID: bigint;
      readonly TTL: number;
    };
    expect([ID > 0n, TTL]).toEqual([true, granted]);
  }
  expect(await server.call('leaseGrant', { TTL: 9_000_000_001 })).toBe('OUT_OF_RANGE etcdserver: too large lease TTL');
  expect(await server.call('leaseGrant', { TTL: '9223372036854775807' })).toBe(
    'OUT_OF_RANGE etcdserver: too large lease TTL',
  );
  expect(await server.call('leaseGrant', { ID: 77, TTL: 100 })).toEqual({ rev: 1, ID: 77, TTL: 100 });
  expect(await server.call('leaseGrant', { ID: 77, TTL: 100 })).toBe(
    'FAILED_PRECONDITION etcdserver: lease already exists',
  );
  for (const ID of [0, 12_345]) expect(await server.call('leaseRevoke', { ID })).toBe(fails.leaseNotFound);
});

test('L71, L72, L77: time to live, and the list', async () => {
  expect(await server.call('leaseTimeToLive', { ID: 12_345, keys: true })).toEqual({ rev: 1, ID: 12_345, TTL: -1 });
  const before = performance.now();
  for (const [ID, TTL] of [
    [3, 300],
    [1, 100],
    [2, 200],
  ]) {
    await server.call('leaseGrant', { ID, TTL });
  }
  await server.call('put', { key: 'b', lease: 1 });
  await server.call('put', { key: 'a', lease: 1 });
  expect(await server.call('leaseTimeToLive', { ID: 1, keys: true })).toEqual({
    rev: 3,
    ID: 1,
    // Whole seconds that are left, of a hundred.
    TTL: expect.toSatisfy((left) => left <= 99 && left >= Math.floor(100 - (performance.now() - before) / 1000)),
    grantedTTL: 100,
    keys: ['a', 'b'],
  });
  expect(await server.call('leaseLeases')).toEqual({ rev: 3, leases: [{ ID: 1 }, { ID: 2 }, { ID: 3 }] });
});

test('L73, L76: keep-alives are answered in their order', async () => {
  await server.call('leaseGrant', { ID: 5, TTL: 60 });
  using stream = server.client.duplex('leaseKeepAlive');
  for (const ID of [5, 0, 12_345]) stream.send({ ID });
  expect([await stream.next(), await stream.next(), await stream.next()]).toEqual([
    { rev: 1, ID: 5, TTL: 60 },
    { rev: 1 },
    { rev: 1, ID: 12_345 },
  ]);
  stream.halfClose();
  expect(await stream.end).toBe('OK');
});

test('L74: a lease that runs out takes its keys in one revision', async () => {
  grantShort('k1', 'k2');
  using watch = server.watch();
  watch.send({ createRequest: { key: 'k', rangeEnd: 'l', startRevision: 1 } });
  await watch.next();
  const events: Plain[] = [];
  while (events.length < 4) events.push(...((await watch.next())['events'] as Plain[]));
  expect(events).toMatchObject([
    { kv: { key: 'k1', modRevision: 2 } },
    { kv: { key: 'k2', modRevision: 3 } },
    { type: 1, kv: { key: 'k1', modRevision: 4 } },
    { type: 1, kv: { key: 'k2', modRevision: 4 } },
  ]);
});

test('L75: a keep-alive of a lease that has run out is answered once, when its keys are gone', async () => {
  grantShort('k');
  const left = (): number => server.lessor.lookup(5n)?.remaining ?? 0;
  await expect.poll(left, { interval: 1 }).toBeLessThanOrEqual(0);
  using stream = server.client.duplex('leaseKeepAlive');
  stream.send({ ID: 5 });
  expect(await stream.next()).toEqual({ rev: expect.toSatisfy((rev) => rev === 2 || rev === 3), ID: 5 });
  expect(await server.call('range', { key: 'k' })).toEqual({ rev: 3 });
  stream.halfClose();
  expect(await stream.end).toBe('OK');
});

test('L83: an answer that says the lease lives is of a revision before its end', async () => {
  for (let id = 1; id <= 20; id++) {
    await server.call('leaseGrant', { ID: id, TTL: 100 });
    await server.call('put', { key: 'k', lease: id });
    using stream = server.client.duplex('leaseKeepAlive');
    for (let at = 0; at < 20; at++) stream.send({ ID: id });
    const { rev: end } = (await server.call('leaseRevoke', { ID: id })) as { readonly rev: number };
    stream.send({ ID: id });
    for (let at = 0; at <= 20; at++) {
      const { rev, TTL = 0 } = (await stream.next()) as { readonly rev: number; readonly TTL?: number };
      if (TTL > 0) expect(rev).toBeLessThan(end);
      else expect(rev).toBeLessThanOrEqual(end);
      if (at === 20) expect(TTL).toBe(0);
    }
  }
});

test('W95: a lease that is revoked takes its keys in one answer', async () => {
  await server.call('leaseGrant', { ID: 5, TTL: 100 });
  using watch = server.watch();
  watch.send({ createRequest: { key: 'f', rangeEnd: 'g' } });
  await watch.next();
  for (const key of ['foo2', 'foo']) {
    await server.call('put', { key, lease: 5 });
    await watch.next();
  }
  await server.call('leaseRevoke', { ID: 5 });
  expect(await watch.next()).toMatchObject({
    rev: 4,
    events: [{ type: 1, kv: { key: 'foo' } }, { kv: { key: 'foo2' } }],
  });
});
