// @ts-check
/**
 * The store behind `varve serve`, called over gRPC as any client would.
 *
 * VIA1  Server and client are one process: whoever kills the workload kills the server, in the middle of whatever it does. Between
 *     them is a connection all the same, and an `ack` is said when its answer has come through it.
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { create } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { run } from '@varve/cli';
import {
  CompactionRequestSchema,
  DefragmentRequestSchema,
  DeleteRangeRequestSchema,
  kvService,
  maintenanceService,
  PutRequestSchema,
  RequestOpSchema,
  SnapshotRequestSchema,
  TxnRequestSchema,
} from '@varve/etcd-api';

/** The call has failed; it may have happened. */
class CallError extends Error {
  /** @param {import('@grpc/grpc-js').ServiceError | null} error */
  constructor(error) {
    super(error?.details ?? 'no answer', { cause: error });
    this.code = `GRPC_${error?.code ?? 'NONE'}`;
  }
}

const OUT_OF_RANGE = 'GRPC_11';

/**
 * @param {import('./arguments.mjs').Arguments & { readonly directory: string }} options
 * @returns {Promise<import('./target.mjs').Target>}
 */
export async function serveAndCall({ engine, directory }) {
  const stop = new AbortController();
  const { address, ended } = await serve(engine, join(directory, 'store'), stop.signal);
  const client = new Client(address, credentials.createInsecure());
  const { txn, compact } = kvService;
  return {
    transact: async (writes) => {
      const request = create(TxnRequestSchema, { success: writes.map(operationOf) });
      return Number((await call(client, txn, request)).header?.revision);
    },
    compact: async (revision) => {
      try {
        await call(client, compact, create(CompactionRequestSchema, { revision: BigInt(revision) }));
      } catch (error) {
        if (!(error instanceof CallError) || error.code !== OUT_OF_RANGE) throw error;
      }
    },
    defrag: async () => void (await call(client, maintenanceService.defragment, create(DefragmentRequestSchema))),
    backup: (path) => backup(client, path),
    close: async () => {
      client.close();
      stop.abort();
      await ended;
    },
  };
}

/** @param {string} engine @param {string} data @param {AbortSignal} signal */
async function serve(engine, data, signal) {
  /** @type {(line: string) => void} */
  let hear = () => {};
  /** @type {Promise<string>} */
  const first = new Promise((resolve) => (hear = resolve));
  let complaint = '';
  const ended = run(['serve', '--data', data, '--listen', '127.0.0.1:0', '--engine', engine], {
    out: (text) => hear(text),
    error: (text) => (complaint += text),
    signal,
  });
  const line = await Promise.race([first, ended.then(() => undefined)]);
  const address = /http:\/\/(\S+)/.exec(line ?? '')?.[1];
  if (address === undefined) throw Object.assign(new Error(complaint), { code: codeIn(complaint) });
  return { address, ended };
}

/** The codes of a store that cannot be opened, from the line that `varve` says. @param {string} complaint */
function codeIn(complaint) {
  return /in use|another process|lock/i.test(complaint) ? 'BACKEND_LOCKED' : 'SERVE_FAILED';
}

/** @param {import('./plan.mjs').Write} write */
function operationOf({ key, value }) {
  const bytes = Buffer.from(key);
  return create(RequestOpSchema, {
    request:
      value === undefined
        ? { case: 'requestDeleteRange', value: create(DeleteRangeRequestSchema, { key: bytes }) }
        : { case: 'requestPut', value: create(PutRequestSchema, { key: bytes, value }) },
  });
}

/**
 * @template Request, Answer
 * @param {Client} client
 * @param {import('@grpc/grpc-js').MethodDefinition<Request, Answer>} method
 * @param {Request} request
 * @returns {Promise<Answer>}
 */
function call(client, { path, requestSerialize, responseDeserialize }, request) {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      if (answer === undefined) reject(new CallError(error));
      else resolve(answer);
    });
  });
}

/** @param {Client} client @param {string} path */
async function backup(client, path) {
  const { path: method, requestSerialize, responseDeserialize } = maintenanceService.snapshot;
  const pieces = client.makeServerStreamRequest(
    method,
    requestSerialize,
    responseDeserialize,
    create(SnapshotRequestSchema),
  );
  const blobs = Readable.from(pieces).map((/** @type {import('@varve/etcd-api').SnapshotResponse} */ { blob }) => blob);
  await pipeline(blobs, createWriteStream(path));
}
