/** What a project downstream writes: its own code with npm `etcd3`, and a fixture that gives each test an etcd of its own. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
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

/** Its leases are those of an etcd that is not there, as long as it is `away`. */
class Unsteady extends Etcd3 {
  away = false;
  readonly asked: number[] = [];
  readonly #nobody: Etcd3;

  constructor(hosts: string, nowhere: string) {
    super({ hosts });
    this.#nobody = new Etcd3({ hosts: nowhere });
  }

  override lease(...args: Parameters<Etcd3['lease']>): ReturnType<Etcd3['lease']> {
    this.asked.push(performance.now());
    if (this.asked.length > 100) throw new Error('it asks and asks');
    return this.away ? this.#nobody.lease(...args) : super.lease(...args);
  }

  override close(): void {
    this.#nobody.close();
    super.close();
  }
}

/** An address that nobody listens at. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return `127.0.0.1:${port}`;
}

test('an address whose lease was lost comes back when the etcd does, which is asked once a second', async () => {
  await using server = await startEtcd();
  const etcd = new Unsteady(server.address, await nowhere());
  await register(etcd, 'mail', '10.0.0.1:25', 5);
  etcd.away = true;
  const { lease } = (await etcd.getAll().prefix('services/').exec()).kvs[0]!;
  await etcd.leaseClient.leaseRevoke({ ID: lease });
  expect(await addresses(etcd, 'mail')).toEqual([]);
  await expect.poll(() => etcd.asked.length).toBeGreaterThanOrEqual(2);
  etcd.away = false;
  await expect.poll(() => addresses(etcd, 'mail')).toEqual(['10.0.0.1:25']);
  expect(etcd.asked[2]! - etcd.asked[1]!).toBeGreaterThan(990);
  etcd.close();
});

test('who cannot register is told so, and nobody asks further', async () => {
  const address = await nowhere();
  const etcd = new Unsteady(address, address);
  await expect(register(etcd, 'mail', '10.0.0.1:25')).rejects.toThrow(/UNAVAILABLE|Failed to connect/);
  expect(etcd.asked).toHaveLength(1);
  etcd.close();
});

test('each test has an etcd of its own', async ({ etcd }) => {
  expect(await etcd.getAll().count()).toBe(0);
});
