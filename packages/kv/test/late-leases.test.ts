/** Leases of the entry for browsers, whose lessor is loaded when the first lease is asked for. */
import { expect, test } from 'vitest';
import { log, open as openHere } from '../src/index.ts';
import { open, put, type MemoryKv } from '../src/memory.ts';
import { codeOf, collect, temporaryFolder } from './helpers.ts';

/** How a store may be asked for its first lease. */
const first: readonly (readonly [name: string, ask: (kv: MemoryKv) => Promise<unknown>])[] = [
  ['put', (kv) => kv.put('first', '1', { ttl: 600 })],
  ['create', (kv) => kv.create('first', '1', { ttl: 600 })],
  ['txn', (kv) => kv.txn({ then: [put('first', '1', { ttl: 600 })] })],
  ['transaction', (kv) => kv.transaction((tx) => tx.put('first', '1', { ttl: 600 }))],
  ['write', (kv) => kv.write((section) => section.put('first', '1', { ttl: 600 }))],
];

test.each(first)(
  'LTL1, AD1: the first lease of a store, by %s; what is written behind it comes behind it',
  async (_, ask) => {
    await using kv = await open();
    const asked = ask(kv);
    // A body that reads first is called at once, and writes later.
    await Promise.all([asked, kv.put('second', '2'), kv.delete('third')]);
    const [entry] = await collect(kv.list({ prefix: 'first' }));
    expect(entry).toMatchObject({ key: 'first', value: '1' });
    const [lease] = await kv.leases();
    expect(entry!.lease).toBe(lease!.id);
    if (_ !== 'transaction') expect(entry!.modRevision).toBeLessThan((await kv.get('second'))!.modRevision);
    const taken = await kv.lease({ id: lease!.id });
    expect((await taken.revoke()).deleted).toBe(1);
    expect(await kv.get('first')).toBeUndefined();
  },
);

test('LTL1: a store without leases has none, by whatever it is asked', async () => {
  await using kv = await open();
  await kv.put('a', '1');
  expect(await kv.leases()).toEqual([]);
  expect(await codeOf(() => kv.lease({ id: '77' }))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => kv.put('b', '1', { lease: '77' }))).toBe('LEASE_NOT_FOUND');
  expect(await codeOf(() => kv.txn({ then: [put('b', '1', { lease: '77' })] }))).toBe('LEASE_NOT_FOUND');
  expect(await kv.get('b')).toBeUndefined();
  expect(kv.stats().metrics).toMatchObject({ leases: 0, leased_keys: 0, lease_granted_total: 0 });
});

test('LTL1: several ask for the first lease at once, and each has its own', async () => {
  await using kv = await open();
  const leases = await Promise.all([1, 2, 3].map((n) => kv.lease({ ttl: 600 + n })));
  expect(new Set(leases.map(({ id }) => id)).size).toBe(3);
  expect(kv.stats().metrics).toMatchObject({ leases: 3, lease_granted_total: 3 });
});

test('LTL2: a store that has leases has them from the start', async () => {
  const path = temporaryFolder();
  let id: string;
  {
    await using kv = await openHere(log(path));
    const lease = await kv.lease({ ttl: 600 });
    id = lease.id;
    await kv.put('a', '1', { lease });
  }
  await using kv = await open(log(path));
  expect(await kv.leases()).toMatchObject([{ id, ttl: 600 }]);
  expect((await (await kv.lease({ id })).revoke()).deleted).toBe(1);
});

test('COR1, COR2: a store that is closed while its lessor is loaded lets in what was called before', async () => {
  const kv = await open();
  const asked = kv.put('a', '1', { ttl: 600 });
  await kv.close();
  expect((await asked).revision).toBe(2);
  expect(await codeOf(() => kv.lease({ ttl: 1 }))).toBe('KV_CLOSED');
});
