import { connect as connectHttp2 } from 'node:http2';
import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Metadata, status } from '@grpc/grpc-js';
import * as api from '@varve/etcd-api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Turns } from '../src/fair/turns.ts';
import { Chunks } from '../src/gateway/chunks.ts';
import { GatewayCall } from '../src/gateway/gateway-call.ts';
import { routes } from '../src/gateway/routes.ts';
import { Limits } from '../src/limits.ts';
import { StatusError } from '../src/status.ts';
import type { Exchange } from '../src/transport/exchange.ts';
import { certificates, hasOpenssl } from './support/certificates.ts';
import { start, type Running } from './support/server.ts';

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const foo = b64('foo');

type Json = Readonly<Record<string, unknown>>;

async function post(
  server: Running,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${server.server.url}/v3/${path}`, { method: 'POST', body: text, headers });
}

async function answer(server: Running, path: string, body: unknown): Promise<[status: number, body: Json]> {
  const response = await post(server, path, body);
  return [response.status, (await response.json()) as Json];
}

/** A connection on which HTTP is spoken by hand. */
async function socketTo(server: Running): Promise<{ socket: Socket; read: () => string; gone: Promise<void> }> {
  const socket = connect(server.server.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, read: () => text, gone };
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const chunked = (path: string): string =>
  `POST /v3/${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;

describe('routes', () => {
  test('C2, C3: every method of the services that etcd gives HTTP rules has its row, and the older paths', () => {
    const rows = new Set([...routes.values()].map(({ grpcPath }) => grpcPath));
    const services = [api.KV, api.Watch, api.Lease, api.Cluster, api.Maintenance, api.Auth, api.Lock, api.Election];
    const all = services.flatMap((service) => service.methods.map(({ name }) => `/${service.typeName}/${name}`));
    expect(all.filter((path) => !rows.has(path))).toEqual(['/etcdserverpb.KV/RangeStream']);
    for (const path of ['lease/revoke', 'lease/timetolive', 'lease/leases']) {
      expect(routes.get(`/v3/kv/${path}`)).toEqual(routes.get(`/v3/${path}`));
    }
  });

  test('a service that is not registered is answered as gRPC would', async () => {
    const limits = new Limits({});
    const caller = { metadata: new Metadata(), signal: new AbortController().signal, peer: 'test' };
    const parts = { limits, chunks: new Chunks(), turns: new Turns() };
    for (const { method } of routes.values()) {
      const call = new GatewayCall(method, undefined as unknown as Exchange, caller, parts);
      await expect(call.run(undefined, undefined, () => undefined)).rejects.toEqual(
        new StatusError(status.UNIMPLEMENTED, `unknown service ${method.parent.typeName}`),
      );
    }
  });
});

describe('unary calls', () => {
  test('C2, C5: put and range, over fetch', async () => {
    await using server = await start();
    const put = await post(server, 'kv/put', { key: foo, value: b64('bar') });
    expect([put.status, put.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(put.headers.get('grpc-metadata-content-type')).toBe('application/grpc');
    expect(put.headers.get('content-length')).toBe(String((await put.text()).length));
    const [, range] = await answer(server, 'kv/range', { key: foo });
    expect(range).toMatchObject({
      kvs: [{ key: foo, value: b64('bar'), create_revision: '2', mod_revision: '2', version: '1' }],
      count: '1',
    });
    expect(Object.keys(range)).toEqual(['header', 'kvs', 'count']);
  });

  test('C4: numbers above 2^53 lose no digit, quoted or not', async () => {
    await using server = await start();
    const id = '7587862094907839239';
    expect((await answer(server, 'lease/grant', `{"ID":${id},"TTL":60}`))[1]).toMatchObject({ ID: id, TTL: '60' });
    expect((await answer(server, 'kv/put', `{"key":"${foo}","lease":"${id}"}`))[0]).toBe(200);
    expect((await answer(server, 'kv/range', { key: foo }))[1]).toMatchObject({ kvs: [{ lease: id }] });
  });

  test('C8: errors have the status of their code and both texts', async () => {
    await using server = await start();
    const text = 'etcdserver: key is not provided';
    expect(await answer(server, 'kv/range', {})).toEqual([400, { error: text, message: text, code: 3 }]);
    expect((await answer(server, 'lease/revoke', { ID: 5 }))[0]).toBe(404);
    expect((await answer(server, 'kv/range', '{"key":'))[1]).toMatchObject({ error: 'unexpected EOF', code: 3 });
  });

  test('a timeout ends the call', async () => {
    await using server = await start();
    const response = await post(server, 'kv/range', { key: foo }, { 'grpc-timeout': '1n' });
    expect([response.status, await response.json()]).toMatchObject([504, { code: 4 }]);
  });

  test('a connection serves one request after another', async () => {
    await using server = await start();
    const { socket, read } = await socketTo(server);
    for (let at = 1; at <= 20; at++) {
      socket.write('POST /v3/kv/range HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{"key":"Zm9v"}');
      await expect.poll(() => read().split('"raft_term"').length, { interval: 1 }).toBe(at + 1);
    }
    expect(read()).not.toContain('Connection: close');
  });

  test('C7: a watch on a connection that has served others is not ended when the time of their bodies is over', async () => {
    await using server = await start({ requestTimeoutMs: 500 });
    const { socket, read } = await socketTo(server);
    for (let at = 1; at <= 3; at++) {
      socket.write('POST /v3/kv/range HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n');
      socket.write('{"key":"Zm9v"}');
      await expect.poll(() => read().split('"raft_term"').length, { interval: 1 }).toBe(at + 1);
    }
    socket.write(chunked('watch') + chunk(`{"create_request":{"key":"${foo}"}}`) + '0\r\n\r\n');
    await expect.poll(read).toContain('"created":true');
    // One that never ends its body is shown out after that time, which began later than theirs.
    const late = await socketTo(server);
    late.socket.write(chunked('kv/range') + chunk('{"key":'));
    await late.gone;
    await server.put('foo=1');
    await expect.poll(read).toContain('"events":[');
  });

  test('C7: what follows the first document of a request is dropped, however long it is', async () => {
    await using server = await start();
    const { socket, read } = await socketTo(server);
    const rest = ' '.repeat(1_000_000);
    for (let at = 1; at <= 3; at++) {
      socket.write(chunked('kv/range') + chunk('{"key":"Zm9v"}'));
      await expect.poll(() => read().split('"raft_term"').length, { interval: 1 }).toBe(at + 1);
      socket.write(`${chunk(rest)}0\r\n\r\n`);
    }
    socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(read).toContain('\r\n\r\nok\n');
  });

  test('law 9: what was sent ahead is answered in its order, and not without end', async () => {
    await using server = await start();
    const { socket, read, gone } = await socketTo(server);
    const request = (body: string, path = 'kv/put'): string =>
      `POST /v3/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    socket.write(Array.from({ length: 20 }, (_, at) => request(`{"key":"${b64(`k${at}`)}"}`)).join(''));
    await expect.poll(() => read().split('HTTP/1.1 200').length).toBe(21);
    expect(Array.from(read().matchAll(/"revision":"(\d+)"/g), ([, revision]) => Number(revision))).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 2),
    );
    // A watch is never over: what waits behind it is bounded.
    socket.write(request('{"create_request":{}}', 'watch'));
    await expect.poll(read).toContain('"created":true');
    socket.write(request('{}').repeat(2000));
    await gone;
  });
});

describe('streams', () => {
  test('C6, C7: a message is a chunk with its newline, and the end of the body does not end the watch', async () => {
    await using server = await start();
    const { socket, read, gone } = await socketTo(server);
    socket.write(chunked('watch') + chunk(`{"create_request":{"key":"${foo}"}}`) + '0\r\n\r\n');
    await expect.poll(read).toContain('"created":true');
    await server.put('foo=1', `foo=${'x'.repeat(100_000)}`);
    await expect.poll(() => read().length).toBeGreaterThan(130_000);
    const [, body = ''] = read().split(/\r\n\r\n(.*)/s);
    for (let at = 0; at < body.length;) {
      const [line = ''] = body.slice(at).split('\r\n', 1);
      const text = body.slice(at + line.length + 2, at + line.length + 2 + parseInt(line, 16));
      expect(text.endsWith('}\n')).toBe(true);
      expect(Object.keys(JSON.parse(text) as Json)).toEqual(['result']);
      at += line.length + 2 + text.length + 2;
    }
    await server.server.close();
    await gone;
    expect(read()).toContain('{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: server stopped"');
  });

  test('requests are answered while the body is open, and a keep-alive ends with it (C7)', async () => {
    await using server = await start();
    await server.call('leaseGrant', { ID: 7, TTL: 60 });
    const { socket, read } = await socketTo(server);
    socket.write(chunked('lease/keepalive') + chunk('{"ID":"7"}'));
    await expect.poll(read).toContain('"ID":"7","TTL":"60"');
    // Half a document, and the other half.
    socket.write(chunk('{"I'));
    socket.write(chunk('D":8} '));
    await expect.poll(read).toContain('"ID":"8"}');
    expect(read().endsWith('0\r\n\r\n')).toBe(false);
    socket.write('0\r\n\r\n');
    await expect.poll(() => read().endsWith('0\r\n\r\n')).toBe(true);
  });

  test('law 9: who hangs up cancels the watch', async () => {
    await using server = await start();
    const { socket, read } = await socketTo(server);
    socket.write(chunked('watch') + chunk(`{"create_request":{"key":"${foo}"}}`));
    await expect.poll(read).toContain('"created":true');
    const watchers = async (): Promise<string> => {
      const text = await (await fetch(`${server.server.url}/metrics`)).text();
      return /^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(text)?.[1] ?? 'none';
    };
    expect(await watchers()).toBe('1');
    socket.destroy();
    await expect.poll(watchers).toBe('0');
  });

  test('law 9: a client that does not read holds up its own watch, and misses nothing', async () => {
    await using server = await start();
    const socket = connect(server.server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const lines: string[] = [''];
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const [rest, ...more] = piece.split('\n');
      lines.push(`${lines.pop() ?? ''}${rest ?? ''}`, ...more);
    });
    const versions = (): string[] => lines.flatMap((line) => /"version":"(\d+)"/.exec(line)?.[1] ?? []);
    socket.write(chunked('watch') + chunk(`{"create_request":{"key":"${foo}"}}`));
    await expect.poll(() => lines.some((line) => line.includes('"created":true'))).toBe(true);
    socket.pause();
    // More than the kernel keeps for the two.
    for (let at = 0; at < 30; at++) await server.call('put', { key: 'foo', value: 'x'.repeat(500_000) });
    socket.resume();
    await expect.poll(() => versions().length).toBe(30);
    expect(versions()).toEqual(Array.from({ length: 30 }, (_, at) => String(at + 1)));
  });

  test('a stream whose request cannot be read says so, a later one ends the requests', async () => {
    await using server = await start();
    expect(await answer(server, 'watch', '{"create_request":[]}')).toMatchObject([500, { code: 2 }]);
    const response = await post(server, 'lease/keepalive', '{"ID":1}{"ID":[]}{"ID":2}');
    expect((await response.text()).split('\n').length).toBe(2);
  });
});

describe('web pages and names', () => {
  const host = (name: string): string => `POST /v3/kv/range HTTP/1.1\r\nHost: ${name}\r\nContent-Length: 2\r\n\r\n{}`;

  test('R116: a page of another origin is refused, and reads nothing', async () => {
    await using server = await start();
    const origin = 'http://example.com';
    const response = await post(server, 'kv/put', { key: foo }, { origin });
    expect([response.status, await response.json()]).toMatchObject([403, { code: 7 }]);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(server.store.rev()).toBe(1);
    const own = await post(server, 'kv/put', { key: foo }, { origin: server.server.url });
    expect(own.status).toBe(200);
    const preflight = await fetch(`${server.server.url}/v3/kv/put`, { method: 'OPTIONS', headers: { origin } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  test('C8: pages that cors names may call', async () => {
    await using one = await start({ cors: ['http://example.com'] });
    const named = await post(one, 'kv/put', { key: foo }, { origin: 'http://example.com' });
    expect([named.status, named.headers.get('access-control-allow-origin')]).toEqual([200, 'http://example.com']);
    expect((await post(one, 'kv/put', { key: foo }, { origin: 'http://example.org' })).status).toBe(403);
    await using all = await start({ cors: ['*'] });
    const any = await post(all, 'kv/put', { key: foo }, { origin: 'null' });
    expect([any.status, any.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  });

  test('R116: on a loopback listener a name that leads elsewhere is refused', async () => {
    await using server = await start();
    for (const [name, status] of [
      ['localhost', 400],
      ['db.localhost:80', 400],
      ['127.0.0.1:1', 400],
      ['[::1]:1', 400],
      ['LOCALHOST.', 400],
      ['example.com', 421],
      ['127.0.0.1.example.com', 421],
      ['localhost.example.com:80', 421],
    ] as const) {
      const { socket, read } = await socketTo(server);
      socket.write(host(name));
      await expect.poll(() => [name, read().split(' ')[1]]).toEqual([name, String(status)]);
    }
    await using named = await start({ hostWhitelist: ['example.com'] });
    const { socket, read } = await socketTo(named);
    socket.write(host('example.com:2379'));
    await expect.poll(() => read().split(' ')[1]).toBe('400');
    await expect(start({ cors: 'x' as unknown as string[] })).rejects.toThrow(TypeError);
  });

  test('R116: names are judged by the address that was called, whichever the server was given first', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const other = own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const status = async (at: string, port: number): Promise<string | undefined> => {
      const socket = connect(port, at);
      let text = '';
      socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
      socket.write(host('example.com'));
      await expect.poll(() => text).toContain('\r\n');
      socket.destroy();
      return text.split(' ')[1];
    };
    for (const first of own.some(({ address }) => address === '::1') ? ['0.0.0.0', '::'] : ['0.0.0.0']) {
      await using server = await start({ host: first });
      expect(await status('127.0.0.1', server.server.port)).toBe('421');
      if (other !== undefined) expect(await status(other, server.server.port)).toBe('400');
    }
  });
});

describe('hostile requests', () => {
  test('R19, R116: names of prototypes, depth, size, base64: 4xx in its form, and nothing else happens', async () => {
    await using server = await start();
    const { prototype } = Object;
    const before = Object.getOwnPropertyNames(prototype).length;
    const key = `"key":"${foo}"`;
    expect(
      (await answer(server, 'kv/range', `{"__proto__":{"limit":5},"constructor":{"prototype":{"x":1}},${key}}`))[0],
    ).toBe(200);
    expect(Object.getOwnPropertyNames(prototype).length).toBe(before);
    const bodies = [
      ['kv/put', '['.repeat(10_001)],
      ['kv/put', `{"a":${'['.repeat(1_000_000)}`],
      ['kv/put', `{${key},"value":"${'A'.repeat(64 * 2 ** 20)}"}`],
      ['kv/put', `{"x":[${'1,'.repeat(200_000)}1],${key}}`],
      ['kv/put', '{"key":"a-_b"}'],
      ['kv/txn', `{"success":[${'{"request_txn":{"success":['.repeat(400)}${']}}'.repeat(400)}]}`],
    ] as const;
    for (const [path, body] of bodies) {
      const response = await post(server, path, body).catch((error: unknown) => error);
      // A client that is still sending may not see the answer before the end of the connection.
      if (!(response instanceof Response)) continue;
      const { error, message, code } = (await response.json()) as Json;
      expect([response.status >= 400 && response.status < 500, error === message, typeof code]).toEqual([
        true,
        true,
        'number',
      ]);
    }
    expect((await answer(server, 'kv/range', { key: foo }))[0]).toBe(200);
  });

  test('R97: heads and bodies that do not come to an end end their connection', async () => {
    await using server = await start({ handshakeTimeoutMs: 1000, requestTimeoutMs: 1500 });
    const head = await socketTo(server);
    head.socket.write('POST /v3/kv/range HT');
    const answered = await socketTo(server);
    answered.socket.write(chunked('kv/range') + chunk('{}'));
    const body = await socketTo(server);
    body.socket.write(chunked('kv/range') + chunk('{"key":'));
    const second = await socketTo(server);
    second.socket.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ver');
    const idle = await socketTo(server);
    idle.socket.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await Promise.all([head, answered, body, second, idle].map(({ gone }) => gone));
    expect(answered.read()).toContain('key is not provided');
    expect(second.read()).toContain('etcdserver');
    // A watch is idle, too, and lives.
    const watch = await socketTo(server);
    watch.socket.write(chunked('watch') + chunk(`{"create_request":{"key":"${foo}"}}`));
    const again = await socketTo(server);
    again.socket.write('GET /ver');
    await again.gone;
    await server.put('foo=1');
    await expect.poll(watch.read).toContain('"events"');
  });

  test('R116, law 9: bodies that do not end share what memory there is for them', async () => {
    await using server = await start({ maxRequestBytes: 1000, maxConnections: 2000 });
    // The largest message is a little over half a megabyte, a body twice that: 33 MB in all.
    const sockets = await Promise.all(Array.from({ length: 60 }, () => socketTo(server)));
    for (const { socket } of sockets) {
      socket.write(`POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{"key":"`);
      socket.write('A'.repeat(900_000));
    }
    const refused = (): number => sockets.filter(({ read }) => read().includes('try again later')).length;
    await expect.poll(refused).toBeGreaterThan(10);
    expect(refused()).toBeLessThan(40);
    for (const { socket } of sockets) socket.destroy();
    await expect.poll(async () => (await answer(server, 'kv/put', { key: foo }))[0]).toBe(200);
  });

  test('a timeout that no timer reaches is none', async () => {
    await using server = await start();
    const response = await post(server, 'kv/put', { key: foo }, { 'grpc-timeout': '9999999H' });
    expect(response.status).toBe(200);
  });

  test('C2: paths that lead nowhere, methods that are none', async () => {
    await using server = await start();
    const text = async (path: string, init: RequestInit = {}): Promise<[number, string]> => {
      const response = await fetch(`${server.server.url}${path}`, { redirect: 'manual', ...init });
      return [response.status, await response.text()];
    };
    expect(await text('/v3/__proto__', { method: 'POST' })).toEqual([404, 'Not Found\n']);
    expect(await text('/v3/kv/range')).toEqual([405, 'Method Not Allowed\n']);
    expect(await text('/v3alpha/kv/range', { method: 'POST' })).toEqual([404, '404 page not found\n']);
    expect((await text('/v3//kv/range', { method: 'POST' }))[0]).toBe(301);
  });
});

describe('HTTP/2', () => {
  test('JSON goes over HTTP/2, too, beside gRPC on one connection', async () => {
    await using server = await start();
    const session = connectHttp2(server.server.url);
    // Before the server, which would reset it.
    using _ = { [Symbol.dispose]: () => session.destroy() };
    const stream = session.request({ ':method': 'POST', ':path': '/v3/kv/put', 'content-type': 'application/json' });
    stream.end(`{"key":"${foo}"}`);
    let text = '';
    for await (const piece of stream.setEncoding('utf8')) text += String(piece);
    expect(JSON.parse(text)).toMatchObject({ header: { revision: '2' } });
    const watch = session.request({ ':method': 'POST', ':path': '/v3/watch' });
    watch.write(`{"create_request":{"key":"${foo}","start_revision":2}}`);
    let seen = '';
    watch.setEncoding('utf8').on('data', (piece: string) => (seen += piece));
    await expect.poll(() => seen).toContain('"events"');
    watch.close();
  });

  test.skipIf(!hasOpenssl())('with TLS the gateway answers HTTP/1.1 and HTTP/2, under any name', async () => {
    const { ca, server: own } = certificates();
    await using server = await start({ tls: own });
    const url = new URL(`${server.server.url}/v3/kv/put`);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = secureRequest(
        {
          ...{ host: url.hostname, port: url.port, path: url.pathname, ca, servername: 'localhost' },
          ...{ method: 'POST', headers: { host: 'example.com' } },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      request.end(`{"key":"${foo}"}`);
    });
    expect(status).toBe(200);
    const session = connectHttp2(server.server.url, { ca, servername: 'localhost' });
    // Before the server, which would reset it.
    using _ = { [Symbol.dispose]: () => session.destroy() };
    const stream = session.request({ ':method': 'POST', ':path': '/v3/kv/put', ':authority': 'example.com' });
    stream.end(`{"key":"${foo}"}`);
    const answered = await new Promise<unknown>((resolve) =>
      stream.once('response', (headers) => resolve(headers[':status'])),
    );
    expect(answered).toBe(200);
  });
});
