import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { afterInput } from '../src/clock.ts';
import { start } from './support/server.ts';

/** Nothing runs meanwhile, in the whole process. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function client(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('R97: what had come when the time was over counts, however late it is looked at', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const writer = await client((server.address() as AddressInfo).port);
  const [reader] = (await accepted) as [Socket];
  onTestFinished(() => void reader.destroy());
  const outcome = new Promise<string>((resolve) => {
    const cancel = afterInput(5, () => resolve('shown out'));
    reader.once('data', () => {
      cancel();
      resolve('heard');
    });
  });
  // It reads from here on, and the bytes are with the system before the time is over.
  await turn();
  writer.write('hello');
  stall(50);
  expect(await outcome).toBe('heard');
});

test('R97: who says nothing is shown out', async () => {
  expect(await new Promise((resolve) => afterInput(5, () => resolve('shown out')))).toBe('shown out');
  let isCalled = false;
  const cancel = afterInput(1, () => (isCalled = true));
  const cancelled = new Promise<void>((resolve) => afterInput(1, resolve));
  cancel();
  await cancelled;
  expect(isCalled).toBe(false);
});

test('R97: a stall of the server shows nobody out who has spoken', async () => {
  const timeoutMs = 1000;
  await using server = await start({ handshakeTimeoutMs: timeoutMs });
  for (const [beginning, rest] of [
    ['', 'GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['GE', 'T /livez HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ] as const) {
    let socket: Socket;
    let began: number;
    // On a machine that is busy the time may be over before the client has said a word: that is another attempt.
    do {
      began = performance.now();
      socket = await client(server.server.port);
      if (beginning !== '') socket.write(beginning);
      for (let at = 0; at < 5; at++) await turn();
    } while (performance.now() - began > timeoutMs / 2);
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
    const closed = new Promise<string>((resolve) => void socket.once('close', () => resolve('closed')));
    socket.write(rest);
    stall(timeoutMs + 100);
    expect(await Promise.race([closed, expect.poll(() => heard).toContain('200 OK')])).not.toBe('closed');
    socket.destroy();
    await closed;
  }
});
