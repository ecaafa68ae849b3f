/** Unary calls, which do not go through grpc-js: what a client may do to them. */
import { EventEmitter, once } from 'node:events';
import type { Http2Session } from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { create, toBinary } from '@bufbuild/protobuf';
import { kvService, PutRequestSchema, RangeRequestSchema } from '@varve/etcd-api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestBytes } from '../src/transport/unary/request-bytes.ts';
import { Loading, SessionLoad } from '../src/transport/unary/session-load.ts';
import { encodeMessage } from '../src/transport/unary/unary-stream.ts';
import { framed, RawGrpc } from './support/raw-grpc.ts';
import { fails, start, type Running } from './support/server.ts';

const range = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: Buffer.from('a') }));
const put = (bytes: number): Uint8Array =>
  toBinary(PutRequestSchema, create(PutRequestSchema, { key: Buffer.from('a'), value: Buffer.alloc(bytes, 'x') }));

test('a unary call is answered without grpc-js, however its message is cut', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const message = framed(put(100));
  for (const step of [1, 3, 5, 7, message.length]) {
    const call = raw.begin(kvService.put.path);
    for (let at = 0; at < message.length; at += step) call.stream.write(message.subarray(at, at + step));
    call.stream.end();
    expect(await call.end).toBe('0');
    // grpc-js says "application/grpc+proto".
    expect(call.contentType).toBe('application/grpc');
  }
  expect(await server.call('range', { key: 'a' })).toMatchObject({ rev: 6 });
});

test('R101: a request that never ends is refused when its time is over, and holds nobody up', async () => {
  await using server = await start({ requestTimeoutMs: 1000 });
  using raw = new RawGrpc(server.server.url);
  const silent = raw.begin(kvService.put.path);
  const slow = raw.begin(kvService.put.path);
  slow.stream.write(framed(put(100)).subarray(0, 20));
  expect(await server.call('put', { key: 'b' })).toEqual({ rev: 2 });
  for (const call of [silent, slow]) expect(await call.end).toBe('4 the request did not arrive in time');
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 2 });
});

test('R101: requests that are not whole take a bounded memory of a connection, and come to an end one after another', async () => {
  await using server = await start({ minPingIntervalMs: 0 });
  using raw = new RawGrpc(server.server.url);
  const message = framed(put(1_500_000));
  let written = 0;
  const calls = Array.from({ length: 20 }, () => {
    const call = raw.begin(kvService.put.path);
    call.stream.write(message.subarray(0, -1), () => written++);
    return call;
  });
  await expect.poll(() => written).toBeGreaterThan(0);
  for (let turn = 0; turn < 50; turn++) await answerTo(raw);
  expect(written).toBeLessThan(20);
  expect(await server.call('put', { key: 'b' })).toEqual({ rev: 2 });
  const takenBack = calls.splice(0, 5);
  for (const { stream } of takenBack) stream.close(8);
  for (const { stream } of calls) stream.end(message.subarray(-1));
  expect(await Promise.all(takenBack.map(({ end }) => end))).toEqual(takenBack.map(() => 'RST 8'));
  expect(await Promise.all(calls.map(({ end }) => end))).toEqual(calls.map(() => '0'));
  expect(await server.call('range', { key: 'c' })).toEqual({ rev: 17 });
});

test('R101: what comes in a thousand pieces of one byte, and more, is refused', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const piecesOf = async (message: Buffer): Promise<string> => {
    const call = raw.begin(kvService.put.path);
    for (let at = 0; at < message.length && !call.stream.closed; at++) {
      await new Promise((resolve) => call.stream.write(message.subarray(at, at + 1), resolve));
    }
    call.stream.end();
    return call.end;
  };
  expect(await piecesOf(framed(put(900)))).toBe('0');
  expect(await piecesOf(framed(put(3000)))).toBe('8 the request comes in too many pieces');
  expect(await server.call('range', { key: 'b' })).toEqual({ rev: 2 });
});

test('R101: as many large requests as there are streams are answered, all of them', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const message = framed(put(100_000));
  const calls = Array.from({ length: 250 }, () => {
    const call = raw.begin(kvService.put.path);
    call.stream.end(message);
    return call.end;
  });
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['0']));
  expect(server.store.rev()).toBe(251);
});

test('R101: a piece of a request counts with what it takes of memory, and the oldest goes on until whole ones take it all', () => {
  const load = new SessionLoad(new EventEmitter() as Http2Session);
  const [oldest, second, third] = [new FakeCall(), new FakeCall(), new FakeCall()];
  for (const call of [oldest, second, third]) load.begin(call);
  let pieces = 0;
  for (; !second.isHeldUp && pieces < 1_000_000; pieces++) load.hold(second, 1);
  // A view of one byte takes a hundred and more: 16 MiB of them were two gigabytes.
  expect(pieces * 100).toBeLessThan(16 * 1024 * 1024);
  load.hold(oldest, 20_000_000);
  load.hold(third, 1);
  expect([oldest, second, third].map(({ isHeldUp }) => isHeldUp)).toEqual([false, true, true]);
  // It is whole, and more than all that there may be: nobody goes on, the next one neither.
  load.complete(oldest);
  expect([second, third].map(({ isHeldUp }) => isHeldUp)).toEqual([true, true]);
  load.end(oldest);
  expect([second, third].map(({ isHeldUp }) => isHeldUp)).toEqual([false, true]);
  load.end(second);
  expect(third.isHeldUp).toBe(false);
  load.end(third);
  expect([second, third].map(({ held }) => held)).toEqual([0, 0]);
});

test('R101: a piece keeps no more of what it was read with than it counts', () => {
  const request = new RequestBytes();
  const read = (): Buffer => Buffer.from(new ArrayBuffer(64 * 1024));
  let wanted = 0;
  for (let pieces = 1; pieces <= 1000; pieces++) {
    request.add(read().subarray(0, 1), Infinity, true);
    wanted = Math.max(wanted, request.whole.buffer.byteLength);
    expect(request.taken).toBeLessThanOrEqual(Math.max(256, 4 * pieces));
  }
  expect([request.size, wanted <= 8192]).toEqual([1000, true]);
  // What is most of what was read stays what it is.
  const large = read();
  const alone = new RequestBytes();
  alone.add(large.subarray(0, 40_000), 40_000, true);
  expect([alone.whole.buffer === large.buffer, alone.taken]).toEqual([true, 64 * 1024]);
});

test('R101: a request that says how long it is gets its room at once; one that is held up no more than twice what has come', () => {
  const length = 400_000;
  const read = (): Buffer => Buffer.from(new ArrayBuffer(64 * 1024)).subarray(0, 16 * 1024);
  for (const isAhead of [true, false]) {
    const request = new RequestBytes();
    const rooms = new Set<ArrayBufferLike>();
    for (let pieces = 1; request.size < length; pieces++) {
      request.add(read().subarray(0, length - request.size), pieces === 1 ? Infinity : length, isAhead);
      if (pieces > 1) rooms.add(request.whole.buffer);
      if (!isAhead) expect(request.taken).toBeLessThanOrEqual(2 * request.size);
    }
    expect([request.taken, rooms.size === 1]).toEqual([length, isAhead]);
  }
});

test('R101: what comes while a request is held up is told to it, piece by piece, and counts when it goes on', () => {
  const load = new SessionLoad(new EventEmitter() as Http2Session);
  const [oldest, second] = [new FakeCall(), new FakeCall()];
  for (const call of [oldest, second]) load.begin(call);
  load.hold(oldest, 17 * 1024 * 1024);
  for (let piece = 0; piece < 10; piece++) load.hold(second, 100);
  expect([second.isHeldUp, second.waiting > 900, second.held < 300]).toEqual([true, true, true]);
  load.end(oldest);
  expect([second.isHeldUp, second.waiting, second.held >= 1000]).toEqual([false, 0, true]);
  load.end(second);
});

test('R101: frames of one byte that a held up request goes on to get are refused after a thousand', async () => {
  await using server = await start({ minPingIntervalMs: 0 });
  using raw = new RawGrpc(server.server.url);
  const filling = Array.from({ length: 20 }, () => {
    const call = raw.begin(kvService.put.path);
    call.stream.write(framed(put(1_500_000)).subarray(0, 1_000_000));
    return call;
  });
  expect(await sentWhenFull(raw)).toBeLessThan(20 * 1_000_000);
  const small = raw.begin(kvService.put.path);
  const one = Buffer.from([0]);
  small.stream.write(framed(put(200_000)).subarray(0, 5));
  let isOver = false;
  void small.end.then(() => (isOver = true));
  // Each in a turn of its own, so that each is a frame; the window would let sixty thousand of them through.
  for (let frame = 0; frame < 20_000 && !isOver; frame++) {
    if (!small.stream.destroyed) small.stream.write(one);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isOver).toBe(true);
  expect(await small.end).toBe('8 the request comes in too many pieces');
  for (const { stream } of filling) stream.close(8);
});

test('R99: who takes back calls without end is shown out, and the server lives', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  await once(raw.session, 'connect');
  for (let round = 0; round < 300 && !raw.session.closed && !raw.session.destroyed; round++) {
    const calls = Array.from({ length: 100 }, () => raw.begin(kvService.put.path));
    await new Promise((resolve) => setImmediate(resolve));
    for (const { stream } of calls) stream.close(8);
    await Promise.all(calls.map(({ end }) => end));
  }
  expect(raw.session.closed || raw.session.destroyed).toBe(true);
  expect(await server.call('range', { key: 'b' })).toEqual({ rev: 1 });
});

test('R102: what is announced as too large is refused at once', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  for (const announced of [2_097_153, 64 * 1024 * 1024, 0xffff_ffff]) {
    const call = raw.begin(kvService.put.path);
    call.stream.write(framed(new Uint8Array(0), announced));
    expect(await call.end).toBe(`8 grpc: received message larger than max (${announced} vs. 2097152)`);
  }
  expect(await server.client.bytes(kvService.put.path, put(2_100_000))).toContain('RESOURCE_EXHAUSTED');
});

test('R103: nothing is inflated', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const flagged = raw.begin(kvService.range.path);
  flagged.stream.end(framed(range, range.length, 1));
  expect(await flagged.end).toBe('12 grpc: Decompressor is not installed for grpc-encoding "identity"');
  for (const path of [kvService.range.path, '/etcdserverpb.Watch/Watch']) {
    const named = raw.begin(path, { 'grpc-encoding': 'gzip' });
    named.stream.end(framed(range, range.length, 1));
    expect(await named.end).toBe('12 grpc: Decompressor is not installed for grpc-encoding "gzip"');
  }
});

test('R104: who does not read its answers is shown out, others are served', async () => {
  await using server = await start({ requestTimeoutMs: 1000, maxRequestBytes: 4_000_000 });
  await server.call('put', { key: 'a', value: 'x'.repeat(3_000_000) });
  using raw = new RawGrpc(server.server.url);
  const closed = once(raw.session, 'close');
  for (let at = 0; at < 12; at++) {
    const call = raw.begin(kvService.range.path);
    call.stream.pause();
    call.stream.end(framed(range));
  }
  expect(await server.call('range', { key: 'b' })).toEqual({ rev: 2 });
  await closed;
  expect(await server.call('range', { key: 'b' })).toEqual({ rev: 2 });
});

class FakeCall extends Loading {
  isHeldUp = false;

  refuse(): void {}

  holdUp(): void {
    this.isHeldUp = true;
  }

  goOn(): void {
    this.isHeldUp = false;
  }
}

/** The server has seen what was written before. */
function answerTo({ session }: RawGrpc): Promise<void> {
  return new Promise((resolve) => {
    session.ping(() => resolve());
  });
}

/** Waits until the server lets in no more, and tells how many bytes it was sent. */
async function sentWhenFull(raw: RawGrpc): Promise<number> {
  const { session } = raw;
  // Before, a ping is over at once.
  if (session.connecting) await once(session, 'connect');
  let sent = 0;
  let quiet = 0;
  for (let turn = 0; turn < 2000 && quiet < 5; turn++) {
    await answerTo(raw);
    const { bytesWritten } = session.socket;
    // A ping is seventeen bytes.
    quiet = sent > 0 && bytesWritten - sent < 100 ? quiet + 1 : 0;
    sent = bytesWritten;
  }
  expect(quiet).toBe(5);
  return sent;
}

/** A connection with more answers unread than it may have: what it asks further waits. */
async function unread(server: Running): Promise<{ raw: RawGrpc; heard: () => Promise<void>; read: () => void }> {
  await server.call('put', { key: 'a', value: 'x'.repeat(3_000_000) });
  const raw = new RawGrpc(server.server.url);
  const calls = Array.from({ length: 3 }, () => {
    const call = raw.begin(kvService.range.path);
    call.stream.pause();
    call.stream.end(framed(range));
    return call;
  });
  await Promise.all(calls.map(({ stream }) => once(stream, 'response')));
  const heard = async (): Promise<void> => {
    for (let turn = 0; turn < 2; turn++) await answerTo(raw);
  };
  const read = (): void => {
    for (const { stream } of calls) stream.resume();
  };
  return { raw, heard, read };
}

test('R101, R104: whole requests that wait for a reader count, too', async () => {
  await using server = await start({ maxRequestBytes: 4_000_000, minPingIntervalMs: 0 });
  const { raw, heard, read } = await unread(server);
  using _ = raw;
  let written = 0;
  const ends = Array.from({ length: 20 }, async () => {
    const call = raw.begin(kvService.put.path);
    call.stream.end(framed(put(1_500_000)), () => written++);
    return call.end;
  });
  await expect.poll(() => written).toBeGreaterThan(0);
  for (let turn = 0; turn < 25; turn++) await heard();
  expect(written).toBeLessThan(20);
  expect(await server.call('put', { key: 'b' })).toEqual({ rev: 3 });
  read();
  expect(await Promise.all(ends)).toEqual(ends.map(() => '0'));
  expect(await server.call('range', { key: 'c' })).toEqual({ rev: 23 });
});

test('R101, R104: whole requests that wait for a reader and are taken back leave nothing behind', async () => {
  await using server = await start({ maxRequestBytes: 4_000_000, minPingIntervalMs: 0 });
  const { raw, heard } = await unread(server);
  using _ = raw;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const message = framed(put(1_500_000));
  const held = async (): Promise<number> => {
    await heard();
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = await held();
  for (let at = 0; at < 20; at++) {
    const call = raw.begin(kvService.put.path);
    call.stream.end(message);
    await once(call.stream, 'finish');
    await heard();
    call.stream.close(8);
    // None is refused: those before it gave their bytes back.
    expect(await call.end).toBe('RST 8');
  }
  expect((await held()) - before).toBeLessThan(10_000_000);
  expect(await server.call('range', { key: 'b' })).toEqual({ rev: 2 });
});

test('R104: who reads slowly gets everything', async () => {
  await using server = await start({ requestTimeoutMs: 1000, maxRequestBytes: 4_000_000 });
  for (const key of ['a1', 'a2', 'a3']) await server.call('put', { key, value: 'x'.repeat(3_000_000) });
  using raw = new RawGrpc(server.server.url);
  const call = raw.begin(kvService.range.path);
  const request = create(RangeRequestSchema, { key: Buffer.from('a'), rangeEnd: Buffer.from('b') });
  let chunks = 0;
  call.stream.on('data', () => {
    if (chunks++ % 4 > 0) return;
    call.stream.pause();
    setTimeout(() => call.stream.resume(), 15);
  });
  call.stream.end(framed(toBinary(RangeRequestSchema, request)));
  expect(await call.end).toBe('0');
  expect(call.received).toBeGreaterThan(9_000_000);
});

test('R107: deadlines, and clients that go', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const late = raw.begin(kvService.put.path, { 'grpc-timeout': '20m' });
  late.stream.write(framed(put(10)).subarray(0, 9));
  expect(await late.end).toBe('4 context deadline exceeded');
  const odd = raw.begin(kvService.put.path, { 'grpc-timeout': 'soon' });
  odd.stream.end(framed(put(10)));
  expect(await odd.end).toBe('13 malformed grpc-timeout: soon');
  const far = raw.begin(kvService.put.path, { 'grpc-timeout': '99999999H' });
  far.stream.end(framed(put(10)));
  expect(await far.end).toBe('0');
  for (let at = 0; at < 50; at++) {
    const gone = raw.begin(kvService.put.path);
    gone.stream.end(framed(put(10)));
    gone.stream.close(8);
    await gone.end;
  }
  expect(await server.call('range', { key: 'a' })).toMatchObject({ kvs: [{ key: 'a' }] });
});

test('a request without a message, and one with two', async () => {
  await using server = await start();
  using raw = new RawGrpc(server.server.url);
  const none = raw.begin(kvService.range.path);
  none.stream.end();
  expect(await none.end).toContain('13 ');
  const short = raw.begin(kvService.range.path);
  short.stream.end(framed(range, range.length + 1));
  expect(await short.end).toContain('13 ');
  const two = raw.begin(kvService.range.path);
  two.stream.end(Buffer.concat([framed(range), framed(range)]));
  expect(await two.end).toContain('12 ');
  expect(await server.call('range', {})).toBe(fails.emptyKey);
});

test('texts of failures come through trailers as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x10_ffff }), { maxLength: 40 }), (points) => {
      const text = String.fromCodePoint(...points);
      const encoded = encodeMessage(text);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(encoded)).toBe(Buffer.from(text).toString());
    }),
  );
});
