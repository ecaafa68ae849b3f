import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { activatedSocket, notify } from '../src/systemd.ts';
import { clientOf, folder, Program, put } from './support/program.ts';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const etcdBin = fileURLToPath(new URL('../dist/etcd/bin-etcd.js', import.meta.url));
const packageFolder = fileURLToPath(new URL('..', import.meta.url));

test.each([
  [{}, undefined],
  [{ LISTEN_FDS: '1' }, undefined],
  [{ LISTEN_PID: '7', LISTEN_FDS: '1' }, undefined],
  [{ LISTEN_PID: '42', LISTEN_FDS: '0' }, undefined],
  [{ LISTEN_PID: '42', LISTEN_FDS: '1' }, 3],
] as const)('the socket of %j', (environment, fd) => {
  expect(activatedSocket(environment, 42)).toBe(fd);
});

test('several sockets are refused', () => {
  expect(() => activatedSocket({ LISTEN_PID: '42', LISTEN_FDS: '2' }, 42)).toThrow(/one socket/);
});

test.skipIf(process.platform === 'win32')(
  'a socket that systemd has opened is served, wherever --listen points',
  async () => {
    const socket = createServer().listen(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address() as { readonly port: number };
    const { fd } = Reflect.get(socket, '_handle') as { readonly fd: number };
    // The shell becomes the program, so its own id is the one that systemd would have named.
    const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec "${process.execPath}" "${bin}" serve --engine memory --listen 127.0.0.1:1`;
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore', fd] });
    onTestFinished(() => void child.kill('SIGKILL'));
    // From now on it is the child's alone, which would have to share its connections with us.
    socket.close();
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(text.toString()).toBe(`varve: serving a store in memory on http://127.0.0.1:${port}\n`);
    expect(await put(clientOf(text.toString().trim()), 'a')).toBe('a');
  },
);

test.skipIf(process.platform !== 'linux')(
  'a Unix socket that systemd has opened is served, and stays when the program ends',
  async () => {
    const path = join(folder(), 'varve.sock');
    const socket = createServer().listen(path);
    await once(socket, 'listening');
    const { fd } = Reflect.get(socket, '_handle') as { readonly fd: number };
    const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec "${process.execPath}" "${bin}" serve --engine memory --listen 127.0.0.1:1`;
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe', fd] });
    onTestFinished(() => void child.kill('SIGKILL'));
    // Node would remove the file with its own socket.
    renameSync(path, `${path}-`);
    socket.close();
    await once(socket, 'close');
    renameSync(`${path}-`, path);
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (piece: string) => (log += piece));
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(text.toString()).toBe(`varve: serving a store in memory on unix://${path}\n`);
    expect(await put(clientOf(text.toString().trim()), 'a')).toBe('a');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect([statSync(path).isSocket(), log.includes('"level":"warn"')]).toEqual([true, false]);
  },
);

test.skipIf(process.platform === 'win32')(
  'systemd is told when the first call is answered, and when the end begins',
  async () => {
    const path = folder();
    const told = join(path, 'told');
    writeFileSync(join(path, 'systemd-notify'), `#!/bin/sh\necho "$@" >> "${told}"\n`);
    chmodSync(join(path, 'systemd-notify'), 0o755);
    const command = `PATH="${path}:$PATH" NOTIFY_SOCKET=/nowhere exec "${process.execPath}" "${bin}" serve --engine memory --listen 127.0.0.1:0`;
    const child = spawn('sh', ['-c', command], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = (): string[] => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []);
    await expect.poll(lines).toEqual([`--pid=${child.pid} READY=1`]);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(lines()).toEqual([`--pid=${child.pid} READY=1`, `--pid=${child.pid} STOPPING=1`]);
  },
);

/** Hears what is said to a socket such as NOTIFY_SOCKET, and prints a line for each message. */
const listener = `
import socket, sys
place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
place.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(place.recv(4096).decode().replace(chr(10), " "), flush=True)
`;

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

test.skipIf(!has('systemd-notify') || !has('python3')).each([
  ['varve serve', bin, ['serve', '--engine', 'memory', '--listen', '127.0.0.1:0']],
  [
    'varve-etcd',
    etcdBin,
    ['--listen-client-urls', 'http://127.0.0.1:0', '--advertise-client-urls', 'http://127.0.0.1:1'],
  ],
])('what %s says by systemd-notify arrives at a real NOTIFY_SOCKET', async (_, program, args) => {
  const path = join(folder(), 'notify');
  const ears = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void ears.kill('SIGKILL'));
  let heard = '';
  ears.stdout.setEncoding('utf8').on('data', (piece: string) => (heard += piece));
  await expect.poll(() => heard, { timeout: 30_000 }).toContain('bound');
  const env = { ...process.env, NOTIFY_SOCKET: path };
  const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore', env, cwd: folder() });
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => heard, { timeout: 30_000 }).toContain('READY=1');
  expect(heard).toContain(`MAINPID=${child.pid}`);
  expect(heard).not.toContain('STOPPING=1');
  child.kill('SIGTERM');
  await once(child, 'exit');
  await expect.poll(() => heard, { timeout: 30_000 }).toContain('STOPPING=1');
});

test('who cannot tell systemd says why', async () => {
  expect(await notify({}, 'READY=1', 42)).toBeUndefined();
  expect(await notify({ PATH: folder(), NOTIFY_SOCKET: '/nowhere' }, 'READY=1', 42)).toMatch(
    /systemd was not told READY=1/,
  );
});

test('R95: an address that others reach, without TLS, is one warning in a log that can be searched', async () => {
  const program = new Program('serve', '--engine', 'memory', '--listen', '0.0.0.0:0', '--insecure');
  await program.firstLine();
  program.child.kill('SIGTERM');
  expect(await program.ended).toBe(0);
  const lines = program.err
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'serving'],
    ['warn', 'everybody who reaches this address can read and write: no TLS'],
    ['info', 'stopping'],
    ['info', 'stopped'],
  ]);
  for (const { time } of lines) expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

function hasAnalyze(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasAnalyze())('systemd-analyze finds nothing wrong with the units', () => {
  const path = folder();
  for (const name of ['varve.service', 'varve.socket']) {
    const text = readFileSync(join(packageFolder, 'systemd', name), 'utf8');
    // The program is not installed where tests run.
    writeFileSync(join(path, name), text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  }
  const units = ['varve.service', 'varve.socket'].map((name) => join(path, name));
  const { SYSTEMD_LOG_LEVEL: _, ...env } = process.env;
  const said = execFileSync('systemd-analyze', ['verify', '--man=no', ...units], {
    encoding: 'utf8',
    env,
    stdio: 'pipe',
  });
  expect(said).not.toMatch(/varve/);
});
