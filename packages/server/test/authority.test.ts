import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { mendAuthority } from '../src/transport/authority.ts';
import { onFirstHeaders } from '../src/transport/first-headers.ts';
import { start as startServer } from './support/server.ts';

const PREFACE_BYTES = 24;
const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4];
/** What a client may send before it has heard anything: 255 times 257 bytes. */
const WINDOW = 65_535;
const ACK = Buffer.of(0, 0, 0, SETTINGS, 1, 0, 0, 0, 0);
const frameHead = (length: number): Buffer => Buffer.of(0, length >> 8, length & 0xff, DATA, 0, 0, 0, 0, 1);

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly bytes: Buffer;
}

function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return frames;
}

/** What Node's own client, another encoder of headers, sends for a call with that authority. */
async function sentBy(headers: Readonly<Record<string, string>>): Promise<{ start: Buffer; call: Buffer }> {
  let sent = Buffer.alloc(0);
  let session: ClientHttp2Session;
  const hasCall = new Promise<void>((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _, done) {
        sent = Buffer.concat([sent, chunk]);
        done();
        if (framesIn(sent.subarray(PREFACE_BYTES)).some(({ type }) => type === HEADERS)) resolve();
      },
    });
    session = connectHttp2('http://localhost', { createConnection: () => wire });
    session.on('error', () => undefined);
    session.request(headers, { endStream: true }).on('error', () => undefined);
  });
  await hasCall;
  session!.destroy();
  const frames = framesIn(sent.subarray(PREFACE_BYTES));
  const at = frames.findIndex(({ type }) => type === HEADERS);
  return {
    start: Buffer.concat([sent.subarray(0, PREFACE_BYTES), ...frames.slice(0, at).map(({ bytes }) => bytes)]),
    call: frames[at]!.bytes,
  };
}

const call = (authority: string): Record<string, string> => ({
  ':method': 'POST',
  ':path': '/grpc.health.v1.Health/Check',
  ':authority': authority,
  'content-type': 'application/grpc',
  te: 'trailers',
});

async function dial(): Promise<Socket> {
  const running = await startServer();
  const socket = connect(running.server.port, '127.0.0.1');
  onTestFinished(async () => {
    socket.destroy();
    await running[Symbol.asyncDispose]();
  });
  await once(socket, 'connect');
  return socket;
}

/** The frames that come, until one of a type. */
async function until(socket: Socket, isLast: (frame: Frame) => boolean): Promise<Frame[]> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    const frames = framesIn(bytes);
    if (frames.some(isLast)) return frames;
  }
}

const isAnswer = ({ type }: Frame): boolean => type === HEADERS || type === RST_STREAM;

test('C13: the authority of a client of etcd 3.4 is taken, when it waits for the server first', async () => {
  const socket = await dial();
  const { start, call: request } = await sentBy(call('http://localhost:2379'));
  socket.write(start);
  const first = await until(socket, ({ type }) => type === SETTINGS);
  expect(first[0]!.type).toBe(SETTINGS);
  socket.write(Buffer.concat([ACK, request]));
  const frames = await until(socket, isAnswer);
  expect(frames.find(isAnswer)!.type).toBe(HEADERS);
  // The connection goes on: both of the server's settings were acknowledged once.
  socket.write(ACK);
  socket.write(Buffer.of(0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));
  const later = await until(socket, ({ type }) => type === 6 || type === 7);
  expect(later.find(({ type }) => type === 6 || type === 7)!.type).toBe(6);
});

test('C13: and when it sends all at once, in pieces of a byte', async () => {
  const socket = await dial();
  const { start, call: request } = await sentBy(call('http://localhost:2379'));
  for (const byte of Buffer.concat([start, request])) socket.write(Buffer.of(byte));
  // It may have heard the first settings meanwhile, and says so.
  socket.write(ACK);
  const frames = await until(socket, isAnswer);
  expect(frames.find(isAnswer)!.type).toBe(HEADERS);
});

test('C13: a client that asks nothing for a while is served all the same', async () => {
  const socket = await dial();
  const { start, call: request } = await sentBy(call('localhost'));
  socket.write(start);
  await until(socket, ({ type }) => type === SETTINGS);
  socket.write(ACK);
  await until(socket, ({ type, flags }) => type === SETTINGS && (flags & 1) === 1);
  socket.write(request);
  const frames = await until(socket, isAnswer);
  expect(frames.find(isAnswer)!.type).toBe(HEADERS);
});

test('C13, R97: a first request as large as the first window is held until the client has heard the server, and no more', async () => {
  const { start, call: head } = await sentBy(call('localhost'));
  const frames = Array.from({ length: WINDOW / 257 }, () => [frameHead(257), Buffer.alloc(257)]);
  const request = Buffer.concat([head, ...frames.flat()]);
  for (const isTooLarge of [false, true]) {
    const heard: Buffer[] = [];
    const wire = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _, done) => {
        heard.push(bytes);
        done();
      },
    });
    let isServed = false;
    onFirstHeaders(wire, 10_000, () => (isServed = true));
    wire.push(start);
    for (const bytes of isTooLarge ? [request, request] : [request]) wire.push(bytes);
    await expect.poll(() => heard.length > 0 && (wire.destroyed || wire.readableLength === 0)).toBe(true);
    expect([isServed, wire.destroyed]).toEqual([false, isTooLarge]);
    if (isTooLarge) continue;
    wire.push(ACK);
    await expect.poll(() => isServed).toBe(true);
    expect((wire.read() as Buffer).equals(Buffer.concat([start, request]))).toBe(true);
    wire.destroy();
  }
});

test('R97: a client that does not say all of its hello is shown out', async () => {
  const running = await startServer({ handshakeTimeoutMs: 300 });
  onTestFinished(() => running[Symbol.asyncDispose]());
  const { start } = await sentBy(call('localhost'));
  for (const hello of [start.subarray(0, 10), start]) {
    const socket = connect(running.server.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(hello);
    await once(socket, 'close');
  }
});

test('C13: of a header block, only slashes of the authority change, each into a dash', async () => {
  const texts = fc.array(fc.constantFrom(...'/:abcXYZ019.-_~@[]!$&()*+,;=<'.split('')), {
    minLength: 1,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(texts, async (characters) => {
      const text = characters.join('');
      const headers = call(text);
      const block = framesIn((await sentBy(headers)).call)[0]!.bytes.subarray(9);
      const wanted = framesIn((await sentBy(call(text.replaceAll('/', '-')))).call)[0]!.bytes.subarray(9);
      const mended = Buffer.from(block);
      expect(mendAuthority(mended)).toBe(text.includes('/'));
      expect(mended).toEqual(wanted);
    }),
    { numRuns: 30 },
  );
});

test('C13: a block that cannot be read is left as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (block) => {
      const before = Buffer.from(block);
      if (!mendAuthority(block)) expect(Buffer.from(block)).toEqual(before);
      expect(block.length).toBe(before.length);
    }),
    { numRuns: 2000 },
  );
});
