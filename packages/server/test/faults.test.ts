import { once } from 'node:events';
import { connect } from 'node:net';
import { memoryEngine } from '@varve/backend/memory';
import * as api from '@varve/etcd-api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fails, start } from './support/server.ts';

test('R91: when a commit has failed, writes are refused, reads go on, and probes say so', async () => {
  const engine = memoryEngine();
  let broken = false;
  const failing = new Proxy(engine, {
    get: (target, name) => {
      if (name === 'commit' && broken) return () => Promise.reject(new Error('the disk is gone: /secret/path'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  await using server = await start({ engine: failing });
  await server.put('a=1');
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  broken = true;
  const stopped = 'UNAVAILABLE etcdserver: server stopped';
  expect(await server.call('put', { key: 'a', value: '2' })).toBe(stopped);
  expect(await server.call('deleteRange', { key: 'a' })).toBe(stopped);
  expect(await watch.end).toBe(stopped);
  expect(await server.call('range', { key: 'a' })).toMatchObject({ rev: 2, kvs: [{ value: '1' }] });
  const health = await fetch(`${server.server.url}/health`, { headers: { connection: 'close' } });
  expect([health.status, await health.text()]).toEqual([503, '{"health":"false","reason":"COMMIT FAILED"}']);
  expect((await fetch(`${server.server.url}/readyz`, { headers: { connection: 'close' } })).status).toBe(503);
  await server.server.close();
  await server.store.close().catch(() => undefined);
  await server.backend.close().catch(() => undefined);
});

test('a store that closes under its server ends streams and refuses calls, and no request brings the process down', async () => {
  await using server = await start();
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  await server.store.close();
  watch.send({ createRequest: { key: 'b' } });
  expect(await watch.end).not.toBe('');
  expect(await server.call('put', { key: 'a' })).toBe('UNAVAILABLE etcdserver: server stopped');
  expect(await server.call('range', { key: 'a' })).toBe('UNAVAILABLE etcdserver: server stopped');
});

test('R97: connections that say nothing are closed', async () => {
  await using server = await start({ handshakeTimeoutMs: 1000 });
  const closed = ['', 'PR'].map((beginning) => {
    const socket = connect(server.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    if (beginning !== '') socket.write(beginning);
    return once(socket, 'close');
  });
  await Promise.all(closed);
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('R97: connections beyond the limit are closed, the others are served', async () => {
  await using server = await start({ maxConnections: 1 });
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
  const socket = connect(server.server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'close');
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('R100: calls beyond the limit of a connection wait for others to end', async () => {
  await using server = await start({ maxConcurrentStreams: 2 });
  using first = server.watch();
  using second = server.watch();
  for (const watch of [first, second]) {
    watch.send({ createRequest: { key: 'a' } });
    await watch.next();
  }
  let answered = false;
  const waiting = server.call('range', { key: 'a' }).then((answer) => {
    answered = true;
    return answer;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  second.cancel();
  expect(await waiting).toEqual({ rev: 1 });
});

test('R105, R106: noise as messages, and paths that are none', async () => {
  await using server = await start();
  const services = [api.kvService, api.leaseService, api.maintenanceService, api.clusterService, api.healthService];
  const paths = services.flatMap((service) =>
    Object.values(
      service as Readonly<Record<string, { path: string; requestStream: boolean; responseStream: boolean }>>,
    )
      .filter(({ requestStream, responseStream }) => !requestStream && !responseStream)
      .map(({ path }) => path),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 64 }), async (path, bytes) => {
      const answer = await server.client.bytes(path, bytes);
      expect(answer).not.toMatch(/\bat .*:\d+:\d+/);
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 20_000 : 300 },
  );
  for (const path of ['/etcdserverpb.KV/Range?x', '/etcdserverpb.KV//Range', '/etcdserverpb%2eKV/Range']) {
    expect(await server.client.bytes(path, new Uint8Array(0))).toContain('UNIMPLEMENTED');
  }
  expect(await server.call('range', {})).toBe(fails.emptyKey);
});
