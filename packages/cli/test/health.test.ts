import { execFile } from 'node:child_process';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { createServer, type TlsOptions } from '@varve/server';
import { expect, onTestFinished, test } from 'vitest';
import { makeSelfSigned } from '../src/etcd/self-signed.ts';
import { openLayers } from '../src/open-layers.ts';

const health = fileURLToPath(new URL('../container/health.mjs', import.meta.url));

/** What the health check of the container ends with. */
async function healthOf(port: number): Promise<number> {
  const child = execFile(process.execPath, [health, String(port)]);
  return ((await once(child, 'close')) as [number])[0];
}

async function portOf(tls?: TlsOptions): Promise<number> {
  const layers = await openLayers('memory', 'nowhere');
  const server = await createServer(layers, tls === undefined ? {} : { tls });
  onTestFinished(async () => {
    await server.close();
    await layers.close();
  });
  return server.port;
}

test('the container is healthy without TLS, with it, and where clients must show a certificate', async () => {
  const own = makeSelfSigned(['elsewhere.example'], Date.now());
  const ports = [await portOf(), await portOf(own), await portOf({ ...own, clientCa: own.cert })];
  expect(await Promise.all(ports.map(healthOf))).toEqual([0, 0, 0]);
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
