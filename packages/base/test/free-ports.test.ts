import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort, freePorts } from '../src/node/free-ports.ts';

const home = new URL('../dist/node/free-ports.js', import.meta.url).href;

test('FPT1, FPT2: ports below those that the kernel gives, each another one, also for those who ask at once', async () => {
  const ports = (await Promise.all(Array.from({ length: 10 }, () => freePorts(3)))).flat();
  expect(new Set(ports).size).toBe(30);
  for (const port of ports) expect(port).toBeLessThan(32_768);
});

test('FPT2: what one process was given no other one is, whether it is used or not', async () => {
  const port = await freePort();
  const program = `import { freePorts } from ${JSON.stringify(home)};
    console.log(await freePorts(1, [${port}, ${port + 1}]).catch(({ message }) => message));`;
  const ask = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])).stdout.trim();
  expect(await ask()).toBe(`no 1 free ports from ${port} to ${port}`);
  await using server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  expect(await ask()).toBe(`no 1 free ports from ${port} to ${port}`);
});

test('FPT2: a port that is held keeps no process alive', async () => {
  const program = `import { freePort } from ${JSON.stringify(home)}; console.log(await freePort());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect(Number(stdout)).toBeGreaterThan(20_000);
});
