import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Etcd3 } from 'etcd3';
import { expect, onTestFinished, test } from 'vitest';
import { startEtcd } from '../src/etcd-in-tests.ts';
import { lead, putAsLeader } from '../src/leader-election.ts';

class Candidate {
  readonly process: ChildProcess;
  /** The revision of its leadership. */
  readonly leads: Promise<number>;

  constructor(address: string, id: string) {
    const program = join(import.meta.dirname, 'leader-process.mjs');
    this.process = spawn(process.execPath, [program, address, id], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void this.process.kill('SIGKILL'));
    this.leads = once(createInterface(this.process.stdout!), 'line').then(([line]) => Number(String(line).slice(6)));
  }
}

function clientOf(address: string): Etcd3 {
  const etcd = new Etcd3({ hosts: address });
  onTestFinished(() => etcd.close());
  return etcd;
}

test('of two processes one leads, and when it is killed the other one does', async () => {
  await using server = await startEtcd();
  const etcd = clientOf(server.address);
  const one = new Candidate(server.address, 'one');
  const first = await one.leads;
  const two = new Candidate(server.address, 'two');
  // It waits: the key is the first one's as long as that lives.
  await expect.poll(async () => (await etcd.leaseClient.leaseLeases()).leases.length).toBe(2);
  expect(await etcd.get('leader').string()).toBe('one');
  const killed = performance.now();
  one.process.kill('SIGKILL');
  const second = await two.leads;
  process.stdout.write(`failover: ${((performance.now() - killed) / 1000).toFixed(1)} s, with a lease of 4 s\n`);
  expect(second).toBeGreaterThan(first);
  expect(await etcd.get('leader').string()).toBe('two');
});

test('who resigns is followed at once', async () => {
  await using server = await startEtcd();
  const etcd = clientOf(server.address);
  const first = await lead(etcd, 'leader', 'one', 60);
  const next = lead(etcd, 'leader', 'two', 60);
  await first.resign();
  expect(Number((await next).revision)).toBeGreaterThan(Number(first.revision));
});

test('who has lost the lease is told, and writes nothing any more, whatever it believes', async () => {
  await using server = await startEtcd();
  const etcd = clientOf(server.address);
  const first = await lead(etcd, 'leader', 'one', 5);
  expect(await putAsLeader(etcd, 'leader', first, etcd.put('job').value('of one'))).toBe(true);
  const { lease } = (await etcd.get('leader').exec()).kvs[0]!;
  await etcd.leaseClient.leaseRevoke({ ID: lease });
  const second = await lead(etcd, 'leader', 'two', 60);
  expect(await putAsLeader(etcd, 'leader', first, etcd.put('job').value('of one again'))).toBe(false);
  expect(await putAsLeader(etcd, 'leader', second, etcd.put('job').value('of two'))).toBe(true);
  expect(await etcd.get('job').string()).toBe('of two');
  await first.lost;
});
