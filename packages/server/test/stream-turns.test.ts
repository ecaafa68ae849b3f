import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { leaseService, LeaseKeepAliveRequestSchema, WatchRequestSchema, watchService } from '@varve/etcd-api';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { Turns } from '../src/fair/turns.ts';
import { LeaseService, registerLease } from '../src/lease/service.ts';
import type { Answers, LocalRequests } from '../src/rpc/local-calls.ts';
import { Calls } from '../src/rpc/calls.ts';
import { onStreams } from '../src/transport/http2-servers.ts';
import { registerWatch } from '../src/watch/service.ts';
import { RawGrpc } from './support/raw-grpc.ts';
import { services } from './support/services.ts';

/** More requests than any slice of the clock below has time for. */
const MANY = 2000;
/** Work that fits into a slice: each look at the clock takes a millisecond. */
const SLICE = 10;

const watching = toBinary(
  WatchRequestSchema,
  create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value: { key: Buffer.from('a') } } }),
);
const keepingAlive = toBinary(LeaseKeepAliveRequestSchema, create(LeaseKeepAliveRequestSchema, { ID: 7n }));

test.each([
  ['watchers that are made', watchService.watch.path, watching],
  ['keep-alives', leaseService.leaseKeepAlive.path, keepingAlive],
])('R99, SVTU1: %s on one stream wait for the turns of others', async (_, path, request) => {
  await using served = await serve();
  const stream = served.open(path, '1.1.1.1:1');
  const pushing = pushAll(stream.requests, Buffer.from(request));
  // Others call while that stream has more to ask than there is time for.
  const between = await turnsBeside(served.turns, stream.answers, MANY);
  await pushing;
  // Between two of their turns the stream has the rest of a slice, and one of its own.
  expect(Math.max(...between)).toBeLessThanOrEqual(4 * SLICE);
});

test('R99, SVHS2: streams that are opened in numbers wait for the turns of others', async () => {
  const [most, path] = [400, '/a.A/Stream'];
  const grpc = new Server();
  const turns = slowTurns();
  let opened = 0;
  const calls = new Calls(grpc, { ms: Infinity, tell: undefined }, Infinity);
  const bytes = { read: (request: Buffer) => request, write: (answer: Buffer) => answer };
  calls.bidi({ path, ...bytes }, (call) => {
    opened++;
    return new Promise((resolve) => call.once('cancelled', resolve));
  });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  onStreams(grpc, [], turns);
  const listener = createServer((socket) => injector.injectConnection(socket)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    grpc.forceShutdown();
    listener.close();
  });
  await once(listener, 'listening');
  using client = new RawGrpc(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`);
  for (let at = 0; at < most; at++) client.begin(path);
  const between = await turnsBeside(turns, () => opened, most);
  expect(Math.max(...between)).toBeLessThanOrEqual(4 * SLICE);
});

/** What was done of the work of others between two turns of one that asks again and again, until all is done. */
async function turnsBeside(turns: Turns, done: () => number, all: number): Promise<number[]> {
  const between: number[] = [];
  for (let last = 0; last < all;) {
    await turns.turn(() => '2.2.2.2:1');
    between.push(done() - last);
    last = done();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return between;
}

function slowTurns(): Turns {
  let now = 0;
  return new Turns({ nowMs: () => now++, soon: (work) => void setImmediate(work) });
}

interface Stream {
  readonly requests: LocalRequests;
  readonly answers: () => number;
}

interface Served extends AsyncDisposable {
  readonly turns: Turns;
  open(path: string, peer: string): Stream;
}

async function serve(): Promise<Served> {
  const { state, calls, [Symbol.asyncDispose]: close } = await services();
  const turns = slowTurns();
  registerWatch(calls, state, turns);
  registerLease(calls, state, new LeaseService(state), turns);
  const gone = new AbortController();
  const open = (path: string, peer: string): Stream => {
    const method = calls.local(path);
    if (method?.type !== 'bidi') throw new Error('no stream of messages');
    let count = 0;
    const take: Answers = {
      write: (_bytes, done) => {
        count++;
        done();
      },
      end: () => undefined,
      fail: () => undefined,
    };
    const requests = method.call({ metadata: new Metadata(), signal: gone.signal, peer }, take);
    return { requests, answers: () => count };
  };
  return {
    turns,
    open,
    [Symbol.asyncDispose]: async () => {
      gone.abort();
      await close();
    },
  };
}

async function pushAll(requests: LocalRequests, request: Buffer): Promise<void> {
  for (let at = 0; at < MANY; at++) await requests.push(request);
}
