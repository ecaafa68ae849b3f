import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { start } from './support/server.ts';

test('R99, law 9: of requests that are sent ahead in numbers no more are read than may wait', async () => {
  await using server = await start();
  let read = 0;
  const count = (): void => void read++;
  subscribe('http.server.request.start', count);
  onTestFinished(() => void unsubscribe('http.server.request.start', count));
  const socket = connect(server.server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // A call that does not end, and behind it more than fits into what the system hands over at once.
  const watch = '{"create_request":{}}';
  socket.write(`POST /v3/watch HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${watch.length}\r\n\r\n${watch}`);
  socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(5000));
  await closed;
  expect(read).toBe(102);
  // The rest of the server goes on.
  expect(await server.call('put', { key: 'a' })).toEqual({ rev: 2 });
});
