import { credentials } from '@grpc/grpc-js';
import type { MemberListResponse } from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { certificates, hasOpenssl } from './support/certificates.ts';
import { TestClient } from './support/client.ts';
import { start } from './support/server.ts';

/** One call, to its end. */
async function put(address: string, by = credentials.createInsecure()): Promise<unknown> {
  const client = new TestClient(address, by);
  try {
    return await client.call('put', { key: 'a' });
  } finally {
    client.close();
  }
}

async function freePorts(): Promise<[number, number]> {
  await using one = await start();
  await using two = await start();
  return [one.server.port, two.server.port];
}

test('decisions/0041: further addresses serve the same, or only what is asked over HTTP', async () => {
  const [port, probes] = await freePorts();
  const also = [
    { host: '127.0.0.1', port },
    { host: '127.0.0.1', port: probes, probesOnly: true },
  ];
  await using open = await start({ also });
  expect(await put(`127.0.0.1:${port}`)).toEqual({ rev: 2 });
  expect(await put(`127.0.0.1:${open.server.port}`)).toEqual({ rev: 3 });
  expect((await fetch(`http://127.0.0.1:${probes}/health`)).status).toBe(200);
  expect(await put(`127.0.0.1:${probes}`)).toContain('UNAVAILABLE');
  await expect(start({ also })).rejects.toMatchObject({ code: 'SERVER_LISTEN' });
  expect(await put(`127.0.0.1:${open.server.port}`)).toEqual({ rev: 4 });
});

test('an address that is none of this machine is told as that', async () => {
  await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'SERVER_LISTEN',
    message: expect.stringContaining('give an address of this machine') as string,
  });
});

test.skipIf(!hasOpenssl())('decisions/0041: one port with TLS and without', async () => {
  const { ca, server: own } = certificates();
  await using open = await start({ tls: { ...own, plainToo: true } });
  const address = `127.0.0.1:${open.server.port}`;
  expect(await put(address)).toEqual({ rev: 2 });
  expect(await put(address, credentials.createSsl(ca))).toEqual({ rev: 3 });
  expect(await (await fetch(`http://${address}/livez`)).text()).toBe('ok\n');
});

test.skipIf(!hasOpenssl())('R98, decisions/0041: a certificate that holds may be refused all the same', async () => {
  const { ca, server: own, client } = certificates();
  const seen: string[] = [];
  let isWelcome = true;
  const admits = ({ subject }: { readonly subject: string }): boolean => {
    seen.push(subject);
    return isWelcome;
  };
  await using open = await start({ tls: { ...own, clientCa: ca, admits } });
  const by = credentials.createSsl(ca, client.key, client.cert);
  expect(await put(`127.0.0.1:${open.server.port}`, by)).toEqual({ rev: 2 });
  isWelcome = false;
  expect(await put(`127.0.0.1:${open.server.port}`, by)).toContain('UNAVAILABLE');
  expect(seen.every((subject) => subject === 'CN=client')).toBe(true);
});

test('decisions/0041: ids that follow from the peer address and the token are those that an etcd has', async () => {
  await using open = await start({ name: 'a', peerUrls: ['http://localhost:20071'], clusterToken: 'new' });
  const { members, header } = await open.client.raw<MemberListResponse>('memberList');
  // `etcd --name a --initial-advertise-peer-urls http://localhost:20071 --initial-cluster-token new`, 3.4.23
  expect([header!.clusterId, header!.memberId]).toEqual([14_786_596_374_996_013_762n, 17_383_816_141_854_948_081n]);
  expect(members.map((member) => [member.ID, member.peerURLs])).toEqual([
    [17_383_816_141_854_948_081n, ['http://localhost:20071']],
  ]);
});
