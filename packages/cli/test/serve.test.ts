import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { makeSelfSigned } from '../src/etcd/self-signed.ts';
import { isLoopback, readServeOptions } from '../src/serve-options.ts';
import { clientOf, count, folder, grant, Program, put } from './support/program.ts';

test.each([
  ['file', 'SIGTERM'],
  ['level', 'SIGINT'],
  ['log', 'SIGTERM'],
] as const)('R92: on %s, %s loses nothing that was acknowledged, and ends with 0', async (engine, signal) => {
  const data = join(folder(), 'data');
  const args = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--engine', engine];
  const first = new Program(...args);
  const line = await first.firstLine();
  expect(line).toMatch(/^varve: serving .*data on http:\/\/127\.0\.0\.1:\d+$/);
  const client = clientOf(line);
  await put(client, 'k0');
  const writes = Array.from({ length: 200 }, (_, at) => put(client, `k${at + 1}`));
  await writes[0];
  first.child.kill(signal);
  expect(await first.ended).toBe(0);
  const acknowledged = (await Promise.all(writes)).filter((key) => key !== undefined).length + 1;
  expect(first.err.split('\n')[0]).toContain('"msg":"serving"');
  expect(statSync(data).mode & 0o077).toBe(0);

  const second = new Program(...args);
  expect(await count(clientOf(await second.firstLine()))).toBeGreaterThanOrEqual(acknowledged);
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test.each([
  [[], 2, 'a command is missing'],
  [['nothing'], 2, 'there is no such command; the one there is so far is varve serve'],
  [['--data', 'x'], 2, 'as in varve serve --data'],
  [['serve', './data'], 2, 'a folder is --data ./data'],
  [['serve', '--data', ''], 2, '--data: the path of a folder is missing'],
  [['serve', '--cors', 'https://a.example,b.example'], 2, '--cors b.example: an origin, such as https://example.com'],
  [['serve', '--cors', 'https://a.example/'], 2, 'nothing behind the host'],
  [['serve', '--cert', '/nowhere/schlüssel\u001b[31m', '--key', '/nowhere/y'], 1, '--cert /nowhere/schlüssel [31m'],
  [['serve', '--engine', 'paper'], 2, 'level, log, file or memory'],
  [['serve', '--listen', 'here'], 2, 'HOST:PORT'],
  [['serve', '--listen', '0.0.0.0:0', '--engine', 'memory'], 2, '--insecure'],
  [['serve', '--cert', 'x'], 2, 'go together'],
  [['serve', '--cert', '/nowhere/x', '--key', '/nowhere/y'], 1, '--cert /nowhere/x'],
  [['serve', '--auth-token', 'paper'], 2, 'simple, or jwt'],
  [['serve', '--auth-token', 'jwt,sign-method=RS256,priv-key=/nowhere/x'], 1, 'priv-key /nowhere/x'],
  [['serve', '--bcrypt-cost', '3'], 2, 'from 4 to 31'],
  [['serve', '--wrong'], 2, '--wrong'],
] as const)('R94, R95: %j ends with %i', async (args, code, text) => {
  const program = new Program(...args);
  expect([await program.ended, program.err.split('\n')[0]]).toEqual([code, expect.stringContaining(text)]);
  expect(program.err).not.toMatch(/\n\s+at /);
});

test.each(['log', 'level', 'file', undefined])(
  'R122: what is no store ends with 4, and is left as it is: --engine %s',
  async (engine) => {
    const place = folder();
    const path = join(place, 'file');
    writeFileSync(path, 'text');
    for (const data of [path, join(path, 'below')]) {
      const program = new Program('serve', ...(engine === undefined ? [] : ['--engine', engine]), '--data', data);
      expect([await program.ended, program.err]).toEqual([
        4,
        expect.stringMatching(/^varve: .*; it was left as it is\..*\n$/),
      ]);
    }
    expect([readdirSync(place), readFileSync(path, 'utf8')]).toEqual([['file'], 'text']);
  },
);

test('R95: an address that only looks like one of this machine needs TLS, or --insecure', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(isLoopback(host), host).toBe(true);
  for (const host of ['127.example.com', '127.0.0.1.example.com', '127.1', '::127.0.0.1', '0.0.0.0', '::'])
    expect(isLoopback(host), host).toBe(false);
  expect(() => readServeOptions(['--listen', '127.example.com:0'])).toThrow('--insecure');
});

test.each([
  [['unix://'], 'the path of a file'],
  [['unix:///run/'], 'the path of a file'],
  [['unix:///a?b'], 'the path of a file'],
  [[`unix:///${'a'.repeat(110)}`], 'at most'],
  [['unixs:///a'], 'TLS needs --cert and --key'],
  [['unix:///a', '--cert', 'x', '--key', 'y'], 'write unixs://'],
])('R94, R95: --listen %j is refused', (args, text) => {
  expect(() => readServeOptions(['--listen', ...args])).toThrow(text);
});

test.each([[['--help']], [['help']], [['serve', '--help']], [['serve', '--engine', 'paper', '-h']]])(
  '%j tells what there is',
  async (args) => {
    const program = new Program(...args);
    expect([await program.ended, program.err, program.out]).toEqual([0, '', expect.stringContaining('--data DIR')]);
  },
);

test('C8, R116: web pages that --cors names may call, others may not', async () => {
  const program = new Program(
    'serve',
    '--engine',
    'memory',
    '--listen',
    '127.0.0.1:0',
    '--cors',
    'http://a.example,http://b.example',
  );
  const url = /http:\S+/.exec(await program.firstLine())?.[0] ?? '';
  for (const [origin, status] of [
    ['http://a.example', 200],
    ['http://b.example', 200],
    ['http://c.example', 403],
  ] as const) {
    const response = await fetch(`${url}/v3/kv/put`, { method: 'POST', body: '{"key":"YQ=="}', headers: { origin } });
    expect([origin, response.status]).toEqual([origin, status]);
    await response.arrayBuffer();
  }
  program.child.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

test('--version', async () => {
  const program = new Program('--version');
  expect([await program.ended, program.err, program.out]).toEqual([0, '', expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

test.each([
  ['level', 'log'],
  ['log', 'file'],
  ['file', 'level'],
])('a store made with %s is not opened with %s, nor is another put beside it', async (made, other) => {
  const data = join(folder(), 'data');
  const args = (engine: string) => ['serve', '--data', data, '--listen', '127.0.0.1:0', '--engine', engine];
  const first = new Program(...args(made));
  await first.firstLine();
  first.child.kill('SIGTERM');
  await first.ended;
  const before = readdirSync(data);
  const second = new Program(...args(other));
  expect(await second.ended).not.toBe(0);
  expect(second.err).toMatch(/^varve: .*it was left as it is.*\n$/);
  expect(readdirSync(data)).toEqual(before);
});

test.each(['level', 'log', 'file', undefined])(
  'decisions/0038 without --engine a folder is opened as what it is (%s), and a new one becomes a log',
  async (made) => {
    const data = join(folder(), 'data');
    const args = ['serve', '--data', data, '--listen', '127.0.0.1:0'];
    const first = new Program(...args, ...(made === undefined ? [] : ['--engine', made]));
    await put(clientOf(await first.firstLine()), 'k');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const second = new Program(...args);
    expect(await count(clientOf(await second.firstLine()))).toBe(1);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    if (made === 'file') return expect(readdirSync(data)).toContain('db');
    expect(readFileSync(join(data, 'VARVE'), 'utf8')).toMatch(new RegExp(`^varve ${made ?? 'log'} store\n`));
  },
);

test('R94: an address that is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { readonly port: number };
  const data = join(folder(), 'data');
  const program = new Program('serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--engine', 'memory');
  expect([await program.ended, program.err]).toEqual([1, expect.stringMatching(/^varve: cannot listen on 127/)]);
  expect(existsSync(data)).toBe(false);
});

test.skipIf(process.platform === 'win32')(
  'R92, R94, R126: at a Unix socket, which a killed server leaves and the next one replaces, and a living one keeps',
  async () => {
    const path = join(folder(), 'varve.sock');
    const args = ['serve', '--data', join(folder(), 'data'), '--listen', `unix://${path}`];
    const first = new Program(...args);
    expect(await first.firstLine()).toMatch(new RegExp(`^varve: serving .*data on unix://${path}$`));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await put(clientOf(await first.firstLine()), 'k');
    const other = new Program('serve', '--engine', 'memory', '--listen', `unix://${path}`);
    expect([await other.ended, other.err]).toEqual([1, expect.stringContaining('another server answers there')]);
    await put(clientOf(await first.firstLine()), 'l');
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(path)).toBe(true);

    const second = new Program(...args);
    expect(await count(clientOf(await second.firstLine()))).toBe(2);
    second.child.kill('SIGTERM');
    expect([await second.ended, existsSync(path)]).toEqual([0, false]);
    expect(second.err).not.toContain('"level":"warn"');
  },
);

test.skipIf(process.platform === 'win32')('R95: at a Unix socket with TLS', async () => {
  const { cert, key } = makeSelfSigned(['localhost'], Date.now());
  const [certFile, keyFile, path] = [join(folder(), 'cert.pem'), join(folder(), 'key.pem'), join(folder(), 'a.sock')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const listen = ['--engine', 'memory', '--listen', `unixs://${path}`];
  const program = new Program('serve', ...listen, '--cert', certFile, '--key', keyFile);
  expect(await program.firstLine()).toBe(`varve: serving a store in memory on unixs://${path}`);
  const client = new Client(`unix:${path}`, credentials.createSsl(Buffer.from(cert)));
  onTestFinished(() => client.close());
  expect(await put(client, 'k')).toBe('k');
});

test('leases are kept over restarts, and run out', async () => {
  const args = ['serve', '--data', join(folder(), 'data'), '--listen', '127.0.0.1:0', '--engine', 'log'];
  const first = new Program(...args);
  const client = clientOf(await first.firstLine());
  const before = performance.now();
  const lease = await grant(client, 2);
  await put(client, 'k', lease);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = new Program(...args);
  const again = clientOf(await second.firstLine());
  // It is there as long as its time is not over, and on a busy machine no longer.
  expect((await count(again)) === 1 || performance.now() - before >= 2000).toBe(true);
  await expect.poll(() => count(again)).toBe(0);
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('a store that another process has open', async () => {
  const args = ['serve', '--data', folder(), '--listen', '127.0.0.1:0', '--engine', 'file'];
  const first = new Program(...args);
  await first.firstLine();
  const second = new Program(...args);
  expect(await second.ended).toBe(3);
});
