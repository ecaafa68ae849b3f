/** What a project downstream writes: its own code with npm `etcd3`, and a fixture that gives each test an etcd of its own. */
import { Etcd3 } from 'etcd3';
import { test as base, expect } from 'vitest';
import { startEtcd } from '../src/etcd-in-tests.ts';
import { addresses, register } from '../src/service-discovery.ts';

const test = base.extend<{ etcd: Etcd3 }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of fixtures from the pattern
  etcd: async ({}, use) => {
    await using server = await startEtcd();
    const etcd = new Etcd3({ hosts: server.address });
    await use(etcd);
    etcd.close();
  },
});

test('an address is there until its program ends', async ({ etcd }) => {
  const one = await register(etcd, 'mail', '10.0.0.1:25');
  await register(etcd, 'mail', '10.0.0.2:25');
  expect(await addresses(etcd, 'mail')).toEqual(['10.0.0.1:25', '10.0.0.2:25']);
  await one.end();
  expect(await addresses(etcd, 'mail')).toEqual(['10.0.0.2:25']);
  expect(await addresses(etcd, 'web')).toEqual([]);
});

test('an address whose lease was lost comes back', async ({ etcd }) => {
  await register(etcd, 'mail', '10.0.0.1:25', 2);
  const { lease } = (await etcd.getAll().prefix('services/').exec()).kvs[0]!;
  await etcd.leaseClient.leaseRevoke({ ID: lease });
  expect(await addresses(etcd, 'mail')).toEqual([]);
  await expect.poll(() => addresses(etcd, 'mail'), { timeout: 20_000 }).toEqual(['10.0.0.1:25']);
});

test('each test has an etcd of its own', async ({ etcd }) => {
  expect(await etcd.getAll().count()).toBe(0);
});
