// @ts-check
/** A whole server, and what strangers write to its port: bytes on sockets, HTTP requests, encoded gRPC messages. */
import { connect } from 'node:net';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import * as api from '@varve/etcd-api';
import { prepareLessor } from '@varve/lease';
import { createServer } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import fc from 'fast-check';
import { mutated } from '../mutations.mjs';
import { httpRequests, jsonBodies, requestBytes } from '../samples.mjs';

/** @typedef {import('../target.mjs').Target} Target */

/** How long a well-behaved client may wait, in milliseconds; machines are busy. */
const PATIENCE_MS = 60_000;
/** What the front says when something of ours has failed. */
const OURS = 'Internal Server Error\n';
/** How long a connection is listened to that may have nothing to say. */
const SILENCE_MS = 30;

async function startServer() {
  const backend = await openBackend(memoryEngine());
  const leases = prepareLessor({ minTtl: 2, expiryRate: 1000 });
  const store = await openWatchableStore(backend, { observers: [leases.observe] });
  const lessor = await leases.open();
  const server = await createServer({ store, backend, lessor }, { handshakeTimeoutMs: 2000 });
  const close = async () => {
    await server.close();
    await lessor.close();
    await store.close();
    await backend.close();
  };
  /** Somebody who behaves is served, and keys do not pile up. */
  const check = async () => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const body = `{"key":"${Buffer.from('check').toString('base64')}"}`;
    for (const path of ['kv/put', 'kv/range']) {
      const response = await fetch(`${server.url}/v3/${path}`, { method: 'POST', body, signal });
      if (response.status !== 200)
        throw new Error(`a request that is right: ${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    }
    const alarms = await fetch(`${server.url}/v3/maintenance/alarm`, {
      method: 'POST',
      body: '{"action":"GET"}',
      signal,
    });
    for (const { memberID, alarm } of /** @type {any} */ (await alarms.json()).alarms ?? []) {
      await fetch(`${server.url}/v3/maintenance/alarm`, {
        method: 'POST',
        body: JSON.stringify({ action: 'DEACTIVATE', memberID, alarm }),
      });
    }
  };
  return { server, close, check, port: server.port };
}

/** Bytes that a connection begins with. @returns {Promise<Target>} */
export async function socketTarget() {
  const { port, check, close } = await startServer();
  return {
    name: 'bytes on the port',
    weight: 2,
    inputs: fc.tuple(mutated(httpRequests), fc.boolean()),
    run: ([bytes, isHalfClosed]) =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        let answer = '';
        socket.setTimeout(SILENCE_MS, () => socket.destroy());
        socket.on('data', (piece) => {
          answer += piece.toString('latin1', 0, 1000);
          if (answer.length > 4000) socket.destroy();
        });
        socket.on('error', (error) => {
          if (!/ECONNRESET|EPIPE/.test(String(error))) reject(error);
        });
        socket.on('close', () => {
          const code = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
          if (answer.includes(OURS)) reject(new Error(answer));
          else resolve(code ?? (answer === '' ? 'no answer' : 'HTTP/2'));
        });
        if (isHalfClosed) socket.end(bytes);
        else socket.write(bytes);
      }),
    check,
    close,
  };
}

const paths = [
  'kv/range',
  'kv/put',
  'kv/txn',
  'kv/deleterange',
  'kv/compaction',
  'lease/grant',
  'lease/keepalive',
  'lease/timetolive',
];

/** Whole requests to the gateway. @returns {Promise<Target>} */
export async function gatewayTarget() {
  const { server, check, close } = await startServer();
  const url = `${server.url}/v3/`;
  const path = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...paths) },
    { weight: 1, arbitrary: fc.webPath().map((text) => text.slice(1)) },
  );
  const headers = fc.dictionary(
    fc.constantFrom(
      'grpc-timeout',
      'authorization',
      'grpc-metadata-a',
      'grpc-metadata-a-bin',
      'origin',
      'x-http-method-override',
    ),
    fc.string({ maxLength: 12, unit: 'grapheme-ascii' }),
    { maxKeys: 2, noNullPrototype: true },
  );
  return {
    name: 'gateway requests',
    weight: 2,
    inputs: fc.tuple(path, mutated(jsonBodies), headers),
    async run([to, body, sent]) {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const response = await fetch(url + to, { method: 'POST', body, headers: sent, redirect: 'manual', signal });
      const text = await response.text();
      if (text === OURS) throw new Error('something of ours has failed');
      if (response.headers.get('content-type') !== 'application/json' || response.status === 200)
        return `${response.status}`;
      const { error, message, code } = JSON.parse(text);
      if (typeof error !== 'string' || error !== message || !(code >= 1 && code <= 16))
        throw new Error(`an error of no form: ${text}`);
      if (
        response.status === 500 &&
        !/^etcdserver|^json: |^invalid character|^unexpected|^illegal base64|^unknown value|^null in|^too many/.test(
          error,
        )
      ) {
        throw new Error(`an error of ours: ${text}`);
      }
      return `${response.status}`;
    },
    check,
    close,
  };
}

/** Nobody was there, or answered in time. @param {import('@grpc/grpc-js').ServiceError} error */
function isLost({ code }) {
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED;
}

/** Encoded messages, to every method that answers once. @returns {Promise<Target>} */
export async function grpcTarget() {
  const { port, check, close } = await startServer();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const unary = [
    api.kvService,
    api.leaseService,
    api.maintenanceService,
    api.clusterService,
    api.authService,
    api.lockService,
  ]
    .flatMap((service) => Object.values(service))
    // These two write the whole store, or all of it anew, for each call.
    .filter(
      ({ requestStream, responseStream, path }) => !requestStream && !responseStream && !path.endsWith('/Defragment'),
    )
    // One of Lock's waits for its turn.
    .filter(({ path }) => path !== '/v3lockpb.Lock/Lock')
    .map(({ path }) => path);
  const asIs = (/** @type {Buffer} */ bytes) => bytes;
  return {
    name: 'gRPC messages',
    weight: 2,
    inputs: fc.tuple(fc.constantFrom(...unary), mutated(requestBytes)),
    run: ([path, bytes]) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + PATIENCE_MS;
        client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), { deadline }, (error) => {
          if (error === null) resolve('OK');
          else if (isLost(error)) reject(error);
          else resolve(`code ${error.code}`);
        });
      }),
    check,
    async close() {
      client.close();
      await close();
    },
  };
}
