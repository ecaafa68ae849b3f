/** Leader election with a Kv, over the wire: processes of one cluster are clients of one server here. */
import { memory, open, put, type Kv } from '@varve/kv';
import { expect, onTestFinished, test } from 'vitest';
import { asLeader, lead } from '../src/cluster-leader.ts';
import { startEtcd } from '../src/etcd-in-tests.ts';

async function clients(): Promise<[Kv, Kv]> {
  const etcd = await startEtcd();
  const one = await open(`etcd://${etcd.address}`);
  const two = await open(`etcd://${etcd.address}`);
  onTestFinished(async () => {
    await one.close();
    await two.close();
    await etcd.close();
  });
  return [one, two];
}

test('CLD1, CLD2: who resigns is followed at once', async () => {
  const [one, two] = await clients();
  const first = await lead(one, 'leader', 'one', 60);
  const next = lead(two, 'leader', 'two', 60);
  await first.resign();
  expect(first.lost.aborted).toBe(true);
  const second = await next;
  expect(second.revision).toBeGreaterThan(first.revision);
  expect((await one.get('leader'))?.value).toBe('two');
  await second.resign();
});

test('CLD1: a leader that is gone without a word is followed when its lease has run out', async () => {
  const [one, two] = await clients();
  await lead(one, 'leader', 'one', 2);
  const next = lead(two, 'leader', 'two', 60);
  await one.close(); // renews no more
  await (await next).resign();
});

test('CLD3: who has lost the lease is told, and writes nothing any more, whatever it believes', async () => {
  const [one, two] = await clients();
  const first = await lead(one, 'leader', 'one', 60);
  expect(await asLeader(one, first, [put('job', 'of one')])).toBe(true);
  const lease = (await two.get('leader'))!.lease!;
  await (await two.lease({ id: lease })).revoke();
  const second = await lead(two, 'leader', 'two', 60);
  expect(await asLeader(one, first, [put('job', 'of one again')])).toBe(false);
  expect(await asLeader(two, second, [put('job', 'of two')])).toBe(true);
  expect((await one.get('job'))?.value).toBe('of two');
  await second.resign();
});

test('CLD2: who waits goes on waiting when the history it waits in is compacted', async () => {
  await using kv = await open(memory());
  const first = await lead(kv, 'leader', 'one', 60);
  const next = lead(kv, 'leader', 'two', 60);
  for (let i = 0; i < 10; i++) await kv.put('other', String(i));
  await kv.compact(kv.revision);
  await first.resign();
  expect((await next).revision).toBeGreaterThan(first.revision);
});
