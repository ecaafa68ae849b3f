/** A Unix socket in the place of a port: everything is there, for its owner alone, and no living socket is taken from anybody. */
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect, createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import type { MemberListResponse } from '@varve/etcd-api';
import { expect, onTestFinished, test } from 'vitest';
import { certificates, hasOpenssl } from './support/certificates.ts';
import { TestClient } from './support/client.ts';
import { folder } from './support/folder.ts';
import { start } from './support/server.ts';

const isWindows = process.platform === 'win32';

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly host?: string;
  /** With TLS, under this authority. */
  readonly ca?: Buffer;
}

/** What is answered over HTTP/1.1. */
async function ask(socketPath: string, { path, method = 'GET', body, host = 'localhost', ca }: Asked): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, path, method, headers: { host }, agent: false } as const;
    const request = ca === undefined ? httpRequest(options) : httpsRequest({ ...options, ca, servername: 'localhost' });
    request.on('error', reject).on('response', (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve(text));
    });
    request.end(body);
  });
}

/** What is answered over HTTP/2. */
async function askHttp2(socketPath: string, path: string): Promise<string> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socketPath) });
  const stream = session.request({ ':path': path });
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await once(stream, 'end');
  session.destroy();
  return text;
}

/** A socket as one leaves it that was killed. */
async function leaveDead(path: string): Promise<void> {
  const server = createNetServer().listen(`${path}-`);
  await once(server, 'listening');
  renameSync(`${path}-`, path);
  server.close();
  await once(server, 'close');
}

const at = (name: string): string => join(folder(), name);

test.skipIf(isWindows)('decisions/0041: gRPC, the gateway and probes are at a Unix socket, as at a port', async () => {
  const path = at('varve.sock');
  await using open = await start({ path });
  expect([open.server.host, open.server.port, open.server.path]).toEqual(['', 0, path]);
  expect(open.server.url).toBe(`unix://${path}`);
  expect(await open.call('put', { key: 'a', value: 'b' })).toEqual({ rev: 2 });
  using watch = open.watch();
  watch.send({ createRequest: { key: 'a', startRevision: '1' } });
  expect(await watch.next()).toMatchObject({ created: true });
  expect(await watch.next()).toMatchObject({ events: [{ kv: { key: 'a', value: 'b' } }] });
  const { members } = await open.client.raw<MemberListResponse>('memberList');
  expect(members[0]!.clientURLs).toEqual([`unix://${path}`]);
  const range = { path: '/v3/kv/range', method: 'POST', body: '{"key":"YQ=="}' };
  expect(await ask(path, range)).toMatch(/^200 .*"value":"Yg=="/);
  expect(await ask(path, { path: '/health' })).toMatch(/^200 .*"true"/);
  expect(await askHttp2(path, '/livez')).toBe('ok\n');
});

test.skipIf(isWindows)('R116: names that are not of this machine are refused at a Unix socket, too', async () => {
  const path = at('varve.sock');
  await using _ = await start({ path });
  expect(await ask(path, { path: '/health', host: 'example.com' })).toMatch(/^421 /);
  const other = at('varve.sock');
  await using __ = await start({ path: other, hostWhitelist: ['*'] });
  expect(await ask(other, { path: '/health', host: 'example.com' })).toMatch(/^200 /);
});

test.skipIf(isWindows)(
  'R126: only its owner may call, whatever the umask, and the file goes with the server',
  async () => {
    const path = at('varve.sock');
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const open = await start({ path });
    expect([statSync(path).isSocket(), statSync(path).mode & 0o777, process.umask(0)]).toEqual([true, 0o600, 0]);
    await open[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  },
);

test.skipIf(isWindows)('decisions/0041: a socket that a dead server has left is replaced', async () => {
  const path = at('varve.sock');
  await leaveDead(path);
  await using open = await start({ path });
  expect(await open.call('put', { key: 'a' })).toEqual({ rev: 2 });
});

test.skipIf(isWindows)('R94: what lives at the path, or is no socket, is left as it is', async () => {
  const path = at('varve.sock');
  await using open = await start({ path });
  const inode = lstatSync(path).ino;
  await expect(start({ path })).rejects.toMatchObject({
    code: 'SERVER_LISTEN',
    message: expect.stringContaining('another server answers there') as string,
  });
  expect(lstatSync(path).ino).toBe(inode);
  expect(await open.call('put', { key: 'a' })).toEqual({ rev: 2 });

  const [file, directory, link] = [at('file'), at('folder'), at('link')];
  writeFileSync(file, 'x');
  mkdirSync(directory);
  symlinkSync(path, link);
  for (const other of [file, directory, link]) {
    const seen = lstatSync(other).ino;
    await expect(start({ path: other })).rejects.toMatchObject({
      code: 'SERVER_LISTEN',
      message: expect.stringContaining('no socket') as string,
    });
    expect(lstatSync(other).ino).toBe(seen);
  }
});

test.skipIf(isWindows)('R94: of two that find the same dead socket, one serves, and nobody takes it away', async () => {
  for (let round = 0; round < 10; round++) {
    const path = at('varve.sock');
    await leaveDead(path);
    const both = await Promise.allSettled([start({ path }), start({ path })]);
    const served = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = both.flatMap((one) => (one.status === 'rejected' ? [Object(one.reason).code as unknown] : []));
    expect([served.length, refused]).toEqual([1, ['SERVER_LISTEN']]);
    expect(await served[0]!.call('put', { key: 'a' })).toEqual({ rev: 2 });
    await served[0]!.server.close();
    expect(existsSync(path)).toBe(false);
    await served[0]![Symbol.asyncDispose]();
  }
});

test.skipIf(isWindows)('R94: a folder that is not there is told as that', async () => {
  await expect(start({ path: join(folder(), 'none', 'varve.sock') })).rejects.toMatchObject({
    code: 'SERVER_LISTEN',
    message: expect.stringContaining('its folder must be there') as string,
  });
});

test.each([
  [{ path: '' }, TypeError],
  [{ path: 'a\0b' }, TypeError],
  [{ path: 7 as unknown as string }, TypeError],
  [{ path: 'a', port: 0 }, TypeError],
  [{ path: 'a', host: '127.0.0.1' }, TypeError],
  [{ also: [{ path: 'a', port: 1 }] }, TypeError],
  [{ path: `/${'a'.repeat(110)}` }, RangeError],
  [{ path: `/${'ä'.repeat(55)}` }, RangeError],
])('R94: %j is refused before anything is made', async (options, kind) => {
  await expect(start(options)).rejects.toBeInstanceOf(kind);
});

test.skipIf(isWindows || !hasOpenssl())('decisions/0041: a Unix socket with TLS, alone and beside plain', async () => {
  const { ca, server: own } = certificates();
  const [path, either] = [at('varve.sock'), at('either.sock')];
  await using open = await start({ path, tls: own, also: [{ path: either, tls: { ...own, plainToo: true } }] });
  expect(open.server.url).toBe(`unixs://${path}`);
  for (const [socket, isSecure, wanted] of [
    [path, true, { rev: 2 }],
    [path, false, expect.stringContaining('UNAVAILABLE')],
    [either, true, { rev: 3 }],
    [either, false, { rev: 4 }],
  ] as const) {
    const by = isSecure ? credentials.createSsl(ca) : credentials.createInsecure();
    const client = new TestClient(`unix:${socket}`, by);
    expect(await client.call('put', { key: 'a' })).toEqual(wanted);
    client.close();
  }
  expect(await ask(path, { path: '/livez', ca })).toBe('200 ok\n');
  await open.server.close();
  expect([existsSync(path), existsSync(either)]).toEqual([false, false]);
});

test.skipIf(isWindows)('decisions/0041: the URL of a path leads back to it', async () => {
  const path = at('a b?#%.sock');
  await using open = await start({ path });
  expect(open.server.url).toBe(`unix://${path.slice(0, -'a b?#%.sock'.length)}a%20b%3F%23%25.sock`);
  expect(decodeURIComponent(open.server.url.slice('unix://'.length))).toBe(path);
});
