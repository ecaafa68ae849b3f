import { connect, type ConnectionOptions } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { freePort } from '@varve/base/node/free-ports';
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

test('decisions/0041: further addresses serve the same, or only what is asked over HTTP', async () => {
  const [port, probes] = [await freePort(), await freePort()];
  const also = [
    { host: '127.0.0.1', port },
    { host: '127.0.0.1', port: probes, probesOnly: true },
  ];
  await using open = await start({ also });
  expect(await put(`127.0.0.1:${port}`)).toEqual({ rev: 2 });
  expect(await put(`127.0.0.1:${open.server.port}`)).toEqual({ rev: 3 });
  expect((await fetch(`http://127.0.0.1:${probes}/health`)).status).toBe(200);
  expect(await put(`127.0.0.1:${probes}`)).toContain('UNAVAILABLE');
  const ask = async (at: number, path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${at}/${path}`, { method: 'POST', body: '{"key":"YQ=="}' })).status;
  for (const path of ['v3/kv/put', 'v3beta/kv/put', 'v3', 'v3/kv/range', 'v3/watch']) {
    expect([path, await ask(probes, path)]).toEqual([path, 404]);
  }
  expect([await ask(port, 'v3/kv/range'), open.store.rev()]).toEqual([200, 3]);
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

test.skipIf(!hasOpenssl())('decisions/0041: an address for probes alone offers HTTP/1.1 alone', async () => {
  const port = await freePort();
  const { ca, server: own } = certificates();
  await using open = await start({ also: [{ host: '127.0.0.1', port, tls: own, probesOnly: true }] });
  expect(open.server.port).not.toBe(port);
  const options = { host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] };
  const text = await new Promise<string>((resolve, reject) => {
    let seen = '';
    const socket = connect(options, () => {
      seen = `${String(socket.alpnProtocol)} `;
      socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.setEncoding('latin1').on('data', (piece: string) => (seen += piece));
    socket.on('error', reject).on('close', () => resolve(seen));
  });
  expect(text).toMatch(/^http\/1\.1 HTTP\/1\.1 200 OK[^]*ok\n/);
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

test.skipIf(!hasOpenssl())('R96, R98: whom no address lets in, by its certificate or by what it speaks', async () => {
  const port = await freePort();
  const authority = certificates();
  const { ca, server: own, client } = authority;
  const { client: stranger } = certificates();
  const tls = { ...own, clientCa: ca };
  await using open = await start({ tls, also: [{ host: '127.0.0.1', port, tls }] });
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const cases: readonly [name: string, options: ConnectionOptions, isLetIn: boolean][] = [
    ['one that holds', client, true],
    ['none', {}, false],
    ['of another authority', stranger, false],
    ['for servers', authority.issue('for servers', 'serverAuth', 2), false],
    ['too old', authority.issue('too old', 'clientAuth', -1), false],
    ['TLS 1.1', { ...client, ...old }, false],
  ];
  for (const at of [open.server.port, port]) {
    for (const [name, options, isLetIn] of cases) {
      const socket = connect({ host: '127.0.0.1', port: at, ca, servername: 'localhost', ...options });
      let answer = '';
      socket.on('secureConnect', () =>
        socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      );
      socket.on('error', () => undefined);
      socket.setEncoding('latin1').on('data', (piece: string) => (answer += piece));
      await new Promise((resolve) => socket.on('close', resolve));
      expect([name, answer.startsWith('HTTP/1.1 200')]).toEqual([name, isLetIn]);
    }
  }
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
