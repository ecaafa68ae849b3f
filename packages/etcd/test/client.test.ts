/** What is particular to a client: order and aborts of writes, conditions, deletions in parts, leases by its own clock, its end. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compare, connect, type ConnectOptions, type Kv } from '../src/index.ts';
import { Line } from './support/line.ts';
import { Served } from './support/served.ts';
import { StandingTime } from './support/standing.ts';
import { failure, until } from './support/wait.ts';

let served: Served;
let line: Line;
let near: Kv;
const kvs: Kv[] = [];

async function through(address: string, options: ConnectOptions = {}): Promise<Kv> {
  const kv = await connect(`etcd://${address}`, options);
  kvs.push(kv);
  return kv;
}

beforeEach(async () => {
  served = await Served.open();
  line = await Line.to(served.port);
  near = await through(served.address);
});

afterEach(async () => {
  await line.close();
  for (const kv of kvs.splice(0)) await kv.close();
  await served.close();
});

test('WLN1: one write is under way at a time, unless any order will do', async () => {
  for (const [writeOrder, wanted] of [
    ['called', 1],
    ['any', 10],
  ] as const) {
    const kv = await through(line.address, { writeOrder, timeoutMs: 60_000 });
    const before = (await near.status()).revision;
    line.hold();
    const writes = Promise.allSettled(Array.from({ length: 10 }, (_, i) => kv.put(`k${i}`, 'x')));
    await until(async () => (await near.status()).revision >= before + wanted);
    // Whatever else is on its way would be there by now: each is asked for after the ones before.
    expect((await near.status()).revision).toBe(before + wanted);
    line.cut();
    const outcomes = await writes;
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBe(wanted);
  }
});

test('H3: an undo of many long keys goes in requests that a server takes', async () => {
  const kv = await through(served.address, { writeOrder: 'any' });
  const { revision } = await kv.put('start', '1');
  await Promise.all(Array.from({ length: 120 }, (_, i) => kv.put('k'.repeat(6000) + i, 'x')));
  const { deleted, revisions } = await kv.undo({}, revision);
  expect([deleted, revisions.length]).toEqual([120, 3]);
  expect(await kv.count({})).toBe(1);
});

test('WLN2: an abort takes a write out of the line; one that was sent is done all the same', async () => {
  const kv = await through(line.address);
  const controller = new AbortController();
  const reason = new Error('enough');
  line.hold();
  const sent = failure(() => kv.put('sent', 'x', { signal: controller.signal }));
  const waiting = failure(() => kv.put('waiting', 'x', { signal: controller.signal }));
  await until(async () => (await near.get('sent')) !== undefined);
  controller.abort(reason);
  expect([await sent, await waiting]).toEqual([reason, reason]);
  line.cut();
  await kv.get('sent');
  expect(await near.get('waiting')).toBeUndefined();
});

test('ECMP2: conditions with numbers that etcd does not have decide as in every store', async () => {
  await near.put('a', '1');
  await near.put('a', '2');
  const cases = [
    [{ equals: 2.5 }, false],
    [{ not: 2.5 }, true],
    [{ greater: 1.5 }, true],
    [{ greater: 2.5 }, false],
    [{ less: 2.5 }, true],
    [{ less: 1.5 }, false],
    [{ less: Number.POSITIVE_INFINITY }, true],
    [{ greater: Number.POSITIVE_INFINITY }, false],
    [{ greater: Number.NEGATIVE_INFINITY, less: 1e300 }, true],
    [{ equals: 1e300 }, false],
    [{ not: -1e300 }, true],
    [{ greater: 1, less: 3, not: 4, equals: 2 }, true],
  ] as const;
  for (const [version, wanted] of cases) {
    const { succeeded } = await near.txn({ if: [compare('a', { version })] });
    expect([version, succeeded]).toEqual([version, wanted]);
  }
});

test('DFI1: a deletion in parts deletes no more than it was told, whoever writes in between', async () => {
  for (let i = 0; i < 60; i++) await near.put(`k${i}`, 'x');
  const other = await through(served.address);
  let writing = true;
  const noise = (async () => {
    for (let i = 0; writing; i++) await other.put(`k${i % 60}`, `again ${i}`);
  })();
  for (let parts = 0; parts < 5; parts++) {
    const { deleted, more, previous } = await near.delete({ prefix: 'k' }, { limit: 7, previous: true });
    expect([deleted, more]).toEqual([previous?.length, true]);
    expect(deleted).toBeLessThanOrEqual(7);
  }
  writing = false;
  await noise;
});

test('a limit of the caller for deletions is looked at before', async () => {
  const kv = await through(served.address, { limits: { maxDeletes: 2 } });
  for (const key of ['a', 'b', 'c']) await kv.put(key, 'x');
  const error = await failure(() => kv.delete({ start: 'a' }));
  expect([error.code, error.limit, await kv.count({})]).toEqual(['KV_TOO_LARGE', 2, 3]);
  expect((await kv.delete({ start: 'b' })).deleted).toBe(2);
});

test('CLE1: a lease that cannot be renewed is over by the clock of its holder', async () => {
  const time = new StandingTime();
  const kv = await through(line.address, { world: time.world });
  const lease = await kv.lease({ ttl: 60, keepAlive: true });
  const lost = new Promise<unknown>((resolve) => {
    lease.signal.addEventListener('abort', () => resolve(lease.signal.reason));
  });
  line.cut({ refusing: true });
  // Renewals fail meanwhile.
  time.advance(59_999);
  expect(lease.signal.aborted).toBe(false);
  time.advance(1);
  expect(((await lost) as { code?: string }).code).toBe('LEASE_NOT_FOUND');
});

test('CLE2: a revocation elsewhere is seen at the next renewal', async () => {
  const time = new StandingTime();
  const kv = await through(served.address, { world: time.world });
  const lease = await kv.lease({ ttl: 60, keepAlive: true });
  const lost = new Promise<unknown>((resolve) => {
    lease.signal.addEventListener('abort', () => resolve(lease.signal.reason));
  });
  const other = await through(served.address);
  await (await other.lease({ id: lease.id })).revoke();
  expect(lease.signal.aborted).toBe(false);
  time.advance(20_000);
  expect(((await lost) as { code?: string }).code).toBe('LEASE_NOT_FOUND');
});

test('law 12: a program that closes nothing ends when its work is done', async () => {
  const program = fileURLToPath(new URL('ends-by-itself-child.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, `etcd://${served.address}`]);
  expect(stdout).toBe('1\n');
});
