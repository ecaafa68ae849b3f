import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { kvService } from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { framed, RawGrpc } from './support/raw-grpc.ts';
import { start } from './support/server.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const GOAWAY = 7;

function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** POST / of the static table, and so many fields of it that say nothing, one byte each. */
const request = (stream: number, fields: number): Buffer =>
  frame(1, 0x5, stream, Buffer.concat([Buffer.of(0x83, 0x86, 0x84), Buffer.alloc(fields, 0x80 | 58)]));

/** The types of the frames that come, as they come. */
function types(socket: Socket): number[] {
  const seen: number[] = [];
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      seen.push(bytes[3]!);
      bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
    }
  });
  return seen;
}

test('R99, SVUH1: who sends headers without number is told to go, and shown out', async () => {
  await using server = await start();
  const socket = connect(server.server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const seen = types(socket);
  const closed = once(socket, 'close');
  socket.write(Buffer.concat([PREFACE, frame(4, 0, 0)]));
  for (let stream = 1; stream < 81; stream += 2) socket.write(request(stream, 500));
  await expect.poll(() => seen.includes(GOAWAY), { timeout: 20_000 }).toBe(true);
  await closed;
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('SVUH1: who sends as many headers as are taken, call after call, is served', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x-${at}`, 'y'.repeat(100)]));
  for (let at = 0; at < 40; at++) {
    const call = raw.begin(kvService.range.path, many);
    call.stream.end(framed(Buffer.of(0x0a, 1, 0x61)));
    expect(await call.end).toBe('0');
  }
  expect(raw.session.closed || raw.session.destroyed).toBe(false);
});

test('R99, SVSH2: calls that end before their message end their connection, and the server lives', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  await once(raw.session, 'connect');
  const ends = [];
  for (let at = 0; at < 40; at++) {
    const call = raw.begin(kvService.put.path);
    call.stream.end();
    ends.push(call.end);
  }
  // Each broke the rules; their session is gone, and what it asks now is not carried out.
  await Promise.all(ends);
  await expect.poll(() => raw.session.closed || raw.session.destroyed, { timeout: 20_000 }).toBe(true);
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});
