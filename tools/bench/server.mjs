// @ts-check
// What a call costs the server, beside a handler of grpc-js that only sends back what it got.
//   node tools/bench/server.mjs [--calls 20000] [--rounds 3] [--watchers 1000]
//   node tools/bench/server.mjs --etcd [--engines level,log] [--rounds 3] [--window 2] [--keys 20000]
//                                       beside Debian's etcd on the same machine, disk and client (lib/beside-etcd.mjs)
//
// echo     grpc-js alone: bytes in, the same bytes out
// put, range, txn    one key of 256 bytes; a store in memory, so that the medium is not what is measured
// fan-out  one put to 1,000 watchers of the same key on 10 streams: CPU of the server for each answer that it sends
//
// The server is a process of its own, and its CPU time is what counts: other programs disturb it less than the wall. Rounds take
// turns, medians are printed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import {
  kvService,
  PutRequestSchema,
  RangeRequestSchema,
  TxnRequestSchema,
  WatchRequestSchema,
  watchService,
} from '@varve/etcd-api';
import { createServer } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import { flagsOf } from '../run/flags.mjs';
import { besideEtcd } from './lib/beside-etcd.mjs';
import { median } from './lib/stats.mjs';

/**
 * @typedef {{ readonly child: import('node:child_process').ChildProcess, readonly client: Client }} Served
 * @typedef {object} Method a unary call, or a stream of messages
 * @property {string} path
 * @property {(request: any) => Buffer} requestSerialize
 * @property {(bytes: Buffer) => any} responseDeserialize
 */

const usage = `node tools/bench/server.mjs [--calls 20000] [--rounds 3] [--watchers 1000]
    or --etcd [--engines level,log] [--rounds 3] [--window 2] [--keys 20000]: beside Debian's etcd
  what a call costs the server, beside a handler of grpc-js that only sends back what it got`;
const CONCURRENCY = 64;
const asIs = (/** @type {Buffer} */ bytes) => bytes;
const echo = { path: '/bench/Echo', requestSerialize: asIs, responseDeserialize: asIs };

if (process.send) await serve();
else await measure();

/** The server's process: says where it listens, and then its CPU time whenever it is asked. */
async function serve() {
  const { port } = process.argv[2] === 'echo' ? await echoServer() : await ours();
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.(port);
}

async function echoServer() {
  const server = new Server();
  server.register(
    echo.path,
    (/** @type {{ request: Buffer }} */ call, /** @type {(error: null, answer: Buffer) => void} */ callback) =>
      callback(null, call.request),
    asIs,
    asIs,
    'unary',
  );
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port };
}

async function ours() {
  const backend = await openBackend(memoryEngine());
  return createServer({ backend, store: await openWatchableStore(backend) });
}

async function measure() {
  const { flags } = flagsOf(usage, {
    calls: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    watchers: { type: 'string', default: '1000' },
    etcd: { type: 'boolean' },
    engines: { type: 'string', default: 'level,log' },
    window: { type: 'string', default: '2' },
    keys: { type: 'string', default: '20000' },
  });
  if (flags.etcd) {
    const [rounds, windowSeconds, keys] = [Number(flags.rounds), Number(flags.window), Number(flags.keys)];
    await besideEtcd({ engines: flags.engines.split(','), rounds, windowSeconds, keys });
    return;
  }
  const [calls, rounds, watchers] = [Number(flags.calls), Number(flags.rounds), Number(flags.watchers)];
  const [plain, etcd] = [await start('echo'), await start('varve')];
  const key = Buffer.from('bench/key');
  const put = create(PutRequestSchema, { key, value: Buffer.alloc(256, 'x') });
  const range = create(RangeRequestSchema, { key });
  const txn = create(TxnRequestSchema, { success: [{ request: { case: 'requestPut', value: put } }] });
  const kinds = {
    echo: () => perCall(plain, echo, Buffer.from(kvService.put.requestSerialize(put)), calls),
    put: () => perCall(etcd, kvService.put, put, calls),
    range: () => perCall(etcd, kvService.range, range, calls),
    txn: () => perCall(etcd, kvService.txn, txn, calls),
    'fan-out': () => perAnswer(etcd, put, watchers, Math.max(10, Math.round((2 * calls) / watchers))),
  };
  /** @type {Map<string, number[]>} */
  const found = new Map(Object.keys(kinds).map((kind) => [kind, []]));
  // The first round is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, run] of Object.entries(kinds)) {
      const micros = await run();
      if (round > 0) found.get(kind)?.push(micros);
    }
  }
  const base = median(found.get('echo') ?? []);
  for (const [kind, samples] of found) {
    const micros = median(samples);
    const beside = kind === 'echo' || kind === 'fan-out' ? '' : `, ${(micros - base).toFixed(1)} us more than echo`;
    process.stdout.write(`${kind.padEnd(8)} ${micros.toFixed(1)} us of the server's CPU${beside}\n`);
  }
  for (const { child, client } of [plain, etcd]) {
    client.close();
    child.kill();
  }
}

/** @param {string} kind @returns {Promise<Served>} */
async function start(kind) {
  const child = fork(fileURLToPath(import.meta.url), [kind]);
  const [port] = await once(child, 'message');
  return { child, client: new Client(`127.0.0.1:${port}`, credentials.createInsecure()) };
}

/** @param {Served} server @returns {Promise<number>} */
async function cpu({ child }) {
  child.send('cpu');
  const [micros] = await once(child, 'message');
  return micros;
}

/**
 * Microseconds of the server's CPU for each call.
 *
 * @param {Served} server
 * @param {Method} method
 * @param {unknown} request
 * @param {number} calls
 */
async function perCall(server, { path, requestSerialize, responseDeserialize }, request, calls) {
  const before = await cpu(server);
  let left = calls;
  const caller = async () => {
    while (left-- > 0) {
      await /** @type {Promise<void>} */ (
        new Promise((resolve, reject) => {
          server.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) =>
            error ? reject(error) : resolve(),
          );
        })
      );
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, caller));
  return ((await cpu(server)) - before) / calls;
}

/**
 * Microseconds of the server's CPU for each answer to a watcher.
 *
 * @param {Served} server
 * @param {import('@varve/etcd-api').PutRequest} put
 * @param {number} watchers
 * @param {number} puts
 */
async function perAnswer(server, put, watchers, puts) {
  const { path, requestSerialize, responseDeserialize } = watchService.watch;
  const request = create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value: { key: put.key } } });
  let created = 0;
  let events = 0;
  let wake = () => {};
  const reached = async (/** @type {() => boolean} */ done) => {
    while (!done()) await /** @type {Promise<void>} */ (new Promise((resolve) => (wake = resolve)));
  };
  const streams = Array.from({ length: 10 }, () => {
    const stream = server.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('error', () => undefined);
    stream.on('data', (/** @type {import('@varve/etcd-api').WatchResponse} */ answer) => {
      if (answer.created) created++;
      events += answer.events.length;
      wake();
    });
    for (let at = 0; at < watchers / 10; at++) stream.write(request);
    return stream;
  });
  await reached(() => created >= watchers);
  const before = await cpu(server);
  for (let at = 0; at < puts; at++) {
    await perCall(server, kvService.put, put, 1);
    await reached(() => events >= (at + 1) * watchers);
  }
  const spent = (await cpu(server)) - before;
  for (const stream of streams) stream.cancel();
  return spent / (puts * watchers);
}
