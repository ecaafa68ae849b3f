import { Metadata, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { requestsOf, room } from '../src/rpc/flow.ts';
import { localBidi, localUnary, type Answers, type Caller } from '../src/rpc/local-calls.ts';
import { StatusError } from '../src/status.ts';

const read = (bytes: Buffer): string => bytes.toString();
const write = (text: string): Buffer => Buffer.from(text);

function caller(signal: AbortSignal = new AbortController().signal): Caller {
  return { metadata: new Metadata(), signal, peer: 'test' };
}

function answers(take: (text: string, done: () => void) => void): { answers: Answers; end: Promise<string> } {
  let ended: (how: string) => void;
  const end = new Promise<string>((resolve) => (ended = resolve));
  const made: Answers = {
    write: (bytes, done) => take(bytes.toString(), done),
    end: () => ended('OK'),
    fail: ({ status, message }) => ended(`${status} ${message}`),
  };
  return { answers: made, end };
}

test('law 9: whoever does not take answers holds up the service, and the requests that come', async () => {
  let encoded = 0;
  let asked = 0;
  const method = localBidi<string, string>(
    (call) => {
      void (async () => {
        for await (const request of requestsOf<string>(call)) {
          asked++;
          call.write(request);
          await room(call);
        }
        call.end();
      })();
    },
    read,
    (text) => {
      encoded++;
      return write(text);
    },
  );
  if (method.type !== 'bidi') throw new Error('not a stream');
  const waiting: (() => void)[] = [];
  const { answers: slow, end } = answers((_, done) => void waiting.push(done));
  const requests = method.call(caller(), slow);
  let pushed = 0;
  const pushing = (async () => {
    for (let at = 0; at < 1000; at++) {
      await requests.push(Buffer.from(`${at}`));
      pushed++;
    }
    requests.end();
  })();
  await expect.poll(() => pushed).toBeGreaterThan(20);
  const before = pushed;
  // Nothing moves any more: every turn of the loop would have moved it on.
  for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([pushed === before, pushed < 100, asked < 50, encoded]).toEqual([true, true, true, 1]);
  const taking = setInterval(() => waiting.shift()?.(), 0);
  for (let at = 0; encoded < 1000; at++) {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await pushing;
  waiting.shift()?.();
  expect(await end).toBe('OK');
  clearInterval(taking);
});

test('a caller that goes cancels the call, and is told nothing', async () => {
  const gone = new AbortController();
  let cancelled = 0;
  const method = localBidi<string, string>((call) => void call.once('cancelled', () => cancelled++), read, write);
  if (method.type !== 'bidi') throw new Error('not a stream');
  const { answers: never } = answers(() => expect.unreachable());
  const requests = method.call(caller(gone.signal), never);
  gone.abort();
  await expect.poll(() => cancelled).toBe(1);
  await requests.push(Buffer.from('late'));
  requests.end();
});

test('what cannot be read is refused in the words of gRPC, what fails has its code', async () => {
  const unreadable = localUnary<string, string>(
    () => expect.unreachable(),
    () => {
      throw new RangeError('too short');
    },
    write,
  );
  const failing = localUnary<string, string>(
    (_, callback) => callback({ code: status.NOT_FOUND, details: 'none' }),
    read,
    write,
  );
  if (unreadable.type !== 'unary' || failing.type !== 'unary') throw new Error('not unary');
  await expect(unreadable.call(Buffer.alloc(0), caller())).rejects.toEqual(
    new StatusError(13, 'Error deserializing request: too short'),
  );
  await expect(failing.call(Buffer.alloc(0), caller())).rejects.toMatchObject({ status: 5, message: 'none' });
});
