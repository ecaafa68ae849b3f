import { execFile } from 'node:child_process';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, type EtcdServer, type ServerOptions, type TlsOptions } from '@varve/server';
import { expect, onTestFinished, test } from 'vitest';
import { makeSelfSigned } from '../src/etcd/self-signed.ts';
import { openLayers } from '../src/open-layers.ts';
import { folder } from './support/program.ts';

const health = fileURLToPath(new URL('../container/health.mjs', import.meta.url));

/** What the health check of the container ends with. */
async function healthOf(place: number | string): Promise<number> {
  const child = execFile(process.execPath, [health, String(place)]);
  return ((await once(child, 'close')) as [number])[0];
}

async function serverWith(options: ServerOptions): Promise<EtcdServer> {
  const layers = await openLayers('memory', 'nowhere');
  const server = await createServer(layers, options);
  onTestFinished(async () => {
    await server.close();
    await layers.close();
  });
  return server;
}

async function portOf(tls?: TlsOptions): Promise<number> {
  return (await serverWith({ tls })).port;
}

test('the container is healthy without TLS, with it, and where clients must show a certificate', async () => {
  const own = makeSelfSigned(['elsewhere.example'], Date.now());
  const ports = [await portOf(), await portOf(own), await portOf({ ...own, clientCa: own.cert })];
  expect(await Promise.all(ports.map(healthOf))).toEqual([0, 0, 0]);
});

test.skipIf(process.platform === 'win32')('the container is healthy at a Unix socket', async () => {
  const own = makeSelfSigned(['elsewhere.example'], Date.now());
  const paths = [join(folder(), 'a.sock'), join(folder(), 'b.sock')] as const;
  await serverWith({ path: paths[0] });
  await serverWith({ path: paths[1], tls: own });
  expect(await Promise.all(paths.map(healthOf))).toEqual([0, 0]);
  expect(await healthOf(join(folder(), 'none.sock'))).toBe(1);
});

test('the container is not healthy where nobody listens, or somebody who does not answer', async () => {
  const silent = createNetServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  expect(await healthOf(port)).toBe(1);
  silent.close();
  await once(silent, 'close');
  expect(await healthOf(port)).toBe(1);
});
