import { connect } from 'node:http2';
import { get as getSecure } from 'node:https';
import { credentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { createServer } from '../src/index.ts';
import { certificates, hasOpenssl } from './support/certificates.ts';
import { TestClient } from './support/client.ts';
import { fails, start } from './support/server.ts';

const get = async (url: string): Promise<[status: number, text: string]> => {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return [response.status, await response.text()];
};

test('probes are answered on the port of the clients', async () => {
  await using server = await start();
  const { url } = server.server;
  await server.put('a=1');
  expect(await get(`${url}/version`)).toEqual([200, '{"etcdserver":"3.6.0","etcdcluster":"3.6.0","storage":"3.6.0"}']);
  expect(await get(`${url}/health`)).toEqual([200, '{"health":"true","reason":""}']);
  for (const path of ['livez', 'readyz']) expect(await get(`${url}/${path}`)).toEqual([200, 'ok\n']);
  for (const path of ['v2/keys', 'health%3Fx', 'health%2Fx']) expect((await get(`${url}/${path}`))[0]).toBe(404);
  expect((await get(`${url}/health?x`))[0]).toBe(200);
  expect((await fetch(`${url}/version`, { method: 'POST' })).status).toBe(405);
  await server.call('alarm', { action: 1, alarm: 1 });
  expect(await get(`${url}/health`)).toEqual([503, '{"health":"false","reason":"ALARM NOSPACE"}']);
});

test("C10: metrics have etcd's names", async () => {
  await using server = await start();
  await server.put('a=1');
  const [, text] = await get(`${server.server.url}/metrics`);
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('etcd_mvcc_put_total')).toBe(1);
  expect(value('etcd_server_has_leader')).toBe(1);
  expect(value('etcd_debugging_mvcc_current_revision')).toBe(2);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(value('etcd_mvcc_db_total_size_in_bytes')).toBeGreaterThan(0);
  expect(text).toContain('grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1');
});

test.skipIf(!hasOpenssl())(
  'with TLS, gRPC and probes share the port, and clients may have to show who they are',
  async () => {
    const { ca, server: own, client } = certificates();
    await using open = await start({ tls: own });
    using plain = closing(new TestClient(`127.0.0.1:${open.server.port}`, credentials.createSsl(ca)));
    expect(open.server.url).toMatch(/^https:/);
    expect(await plain.client.call('put', { key: 'a' })).toEqual({ rev: 2 });
    expect(await secure(`${open.server.url}/livez`, ca)).toBe('ok\n');

    await using closed = await start({ tls: { ...own, clientCa: ca } });
    const address = `127.0.0.1:${closed.server.port}`;
    using nobody = closing(new TestClient(address, credentials.createSsl(ca)));
    expect(await nobody.client.call('put', { key: 'a' })).toContain('UNAVAILABLE');
    using known = closing(new TestClient(address, credentials.createSsl(ca, client.key, client.cert)));
    expect(await known.client.call('put', { key: 'a' })).toEqual({ rev: 2 });
  },
);

test('a second server of the same store is there beside the first, and gone when it is closed', async () => {
  await using server = await start();
  const second = await createServer(server);
  expect(await new TestClient(`127.0.0.1:${second.port}`).call('range', {})).toBe(fails.emptyKey);
  await second.close();
  await second.close();
  await expect(fetch(`${second.url}/livez`)).rejects.toThrow();
  expect(await server.call('put', { key: 'a' })).toEqual({ rev: 2 });
});

test('an address that is taken', async () => {
  await using server = await start();
  await expect(createServer(server, { port: server.server.port })).rejects.toMatchObject({
    name: 'ServerError',
    code: 'SERVER_LISTEN',
    cause: { code: 'EADDRINUSE' },
  });
  await expect(createServer(server, { maxTxnOps: 0 })).rejects.toThrow(RangeError);
  await expect(createServer(server, { prot: 1 } as object)).rejects.toThrow(
    'options: there is no "prot"; known are host, port',
  );
  for (const layers of [undefined, {}, { store: server.store }]) {
    await expect(createServer(layers as typeof server)).rejects.toThrow(
      TypeError('layers must have a store and a backend: openLayers of @varve/kv/layers opens them'),
    );
  }
});

test('closing ends streams with UNAVAILABLE, and loses nothing that was acknowledged', async () => {
  await using server = await start();
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  using alive = server.client.duplex('leaseKeepAlive');
  alive.send({ ID: 1 });
  await alive.next();
  const writes = Array.from({ length: 100 }, (_, at) => server.call('put', { key: `k${at}` }));
  await writes[0];
  await server.server.close();
  expect(await watch.end).toBe('UNAVAILABLE etcdserver: server stopped');
  expect(await alive.end).toBe('UNAVAILABLE etcdserver: server stopped');
  const answers = await Promise.all(writes);
  const acknowledged = answers.filter((answer) => typeof answer === 'object');
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(server.store.rev()).toBeGreaterThanOrEqual(acknowledged.length + 1);
});

test('clients that ping too often are sent away', async () => {
  await using server = await start({ minPingIntervalMs: 60_000 });
  const session = connect(server.server.url);
  const gone = new Promise<number>((resolve) => session.once('goaway', resolve));
  session.on('error', () => undefined);
  const ping = setInterval(() => !session.destroyed && session.ping(() => undefined), 5);
  expect(await gone).toBe(0xb);
  clearInterval(ping);
  session.destroy();
});

test('health and reflection', async () => {
  await using server = await start();
  expect(await server.call('Health.check', {})).toEqual({ status: 1 });
  expect(await server.call('Health.check', { service: 'etcdserverpb.KV' })).toEqual({ status: 1 });
  expect(await server.call('Health.check', { service: 'nobody' })).toBe('NOT_FOUND unknown service');
  for (const version of ['v1', 'v1alpha']) {
    using stream = server.client.duplex(`grpc.reflection.${version}.ServerReflection.serverReflectionInfo`);
    stream.send({ listServices: '' });
    const { listServicesResponse } = await stream.next();
    expect((listServicesResponse as { readonly service: object[] }).service).toContainEqual({
      name: 'etcdserverpb.KV',
    });
    stream.send({ fileContainingSymbol: 'etcdserverpb.KV' });
    const { fileDescriptorResponse } = await stream.next();
    expect((fileDescriptorResponse as { readonly fileDescriptorProto: string[] }).fileDescriptorProto).toHaveLength(3);
    stream.send({ fileByFilename: 'nothing.proto' });
    expect(await stream.next()).toMatchObject({ errorResponse: { errorCode: 5 } });
    stream.halfClose();
    expect(await stream.end).toBe('OK');
  }
});

function closing(client: TestClient): Disposable & { readonly client: TestClient } {
  return { client, [Symbol.dispose]: () => client.close() };
}

function secure(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    getSecure(url, { ca, agent: false }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
