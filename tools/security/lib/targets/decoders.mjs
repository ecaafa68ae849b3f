// @ts-check
/** Decoders that are functions: JSON bodies, protobuf messages, records, lease rows, cursors. */
import { toBinary } from '@bufbuild/protobuf';
import * as api from '@varve/etcd-api';
import { memory, open } from '@varve/kv';
import fc from 'fast-check';
import { leaseKey, leaseValue, readLease } from '../../../../packages/lease/dist/lease-row.js';
import { decodeKeyValue, encodeKeyValue } from '../../../../packages/mvcc/dist/key-value.js';
import { JsonError } from '../../../../packages/server/dist/gateway/json/json-error.js';
import { readMessage } from '../../../../packages/server/dist/gateway/json/read-message.js';
import { JsonTooLarge, Scanner } from '../../../../packages/server/dist/gateway/json/scanner.js';
import { writeMessage } from '../../../../packages/server/dist/gateway/json/write-message.js';
import { mutated } from '../mutations.mjs';
import { refusal } from '../target.mjs';
import { jsonBodies, requestBytes } from '../samples.mjs';

/** @typedef {import('../target.mjs').Target} Target */

const nothing = async () => {};

/** @returns {Target} */
export function jsonTarget() {
  const methods = api.files.flatMap((file) => file.services).flatMap((service) => service.methods);
  const descs = new Map(methods.map(({ input }) => [input.typeName, input]));
  return {
    name: 'JSON bodies',
    weight: 3,
    inputs: fc.tuple(
      fc.constantFrom(...descs.keys()),
      mutated(jsonBodies),
      fc.array(fc.nat({ max: 300 }), { maxLength: 3 }),
    ),
    async run([name, bytes, cuts]) {
      const desc = /** @type {import('@bufbuild/protobuf').DescMessage} */ (descs.get(name));
      const scanner = new Scanner({ bytes: 1 << 20, values: 10_000 });
      try {
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const end = Math.min(bytes.length, at + cut);
          const used = end > at ? scanner.feed(bytes.subarray(at, end)) : -1;
          at = end;
          if (used >= 0) break;
          if (at >= bytes.length && !scanner.finish()) return 'nothing';
        }
        const document = scanner.document();
        writeMessage(desc, toBinary(desc, /** @type {any} */ (readMessage(desc, document))));
      } catch (error) {
        if (error instanceof JsonError) return 'JsonError';
        if (error instanceof JsonTooLarge) return 'JsonTooLarge';
        throw error;
      }
      return 'read';
    },
    close: nothing,
  };
}

/** @returns {Target} */
export function protobufTarget() {
  const services = [
    ...[api.kvService, api.watchService, api.leaseService, api.maintenanceService, api.clusterService],
    ...[api.authService, api.lockService, api.electionService, api.healthService],
  ];
  const methods = new Map(services.flatMap((service) => Object.values(service)).map((method) => [method.path, method]));
  return {
    name: 'protobuf messages',
    weight: 1,
    inputs: fc.tuple(fc.constantFrom(...methods.keys()), mutated(requestBytes)),
    async run([path, bytes]) {
      const method = /** @type {import('@grpc/grpc-js').MethodDefinition<any, any>} */ (methods.get(path));
      try {
        method.requestSerialize(method.requestDeserialize(bytes));
      } catch (error) {
        // grpc-js answers INTERNAL to whatever is thrown; what protobuf-es has not thrown would be ours.
        const isReaders = error instanceof Error && /@bufbuild\/protobuf\//.test(error.stack ?? '');
        const isWrongText =
          error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
        if (isReaders && (isWrongText || !(error instanceof TypeError))) return 'INTERNAL';
        throw error;
      }
      return 'read';
    },
    close: nothing,
  };
}

/** @returns {Target} */
export function recordTarget() {
  const bytes = (/** @type {string} */ text) => Buffer.from(text);
  const numbers = { createRevision: 5, modRevision: 2 ** 40, version: 3 };
  const samples = [
    encodeKeyValue({ key: bytes('key'), value: bytes('value'), ...numbers, lease: 7n }),
    encodeKeyValue({ key: bytes('k'.repeat(300)), value: bytes(''), ...numbers, lease: -1n }),
  ];
  return {
    name: 'records',
    weight: 1,
    inputs: mutated(samples.map((sample) => Buffer.from(sample))),
    async run(input) {
      try {
        encodeKeyValue(decodeKeyValue(input));
      } catch (error) {
        return refusal(error, /^MVCC_CORRUPT$/);
      }
      return 'read';
    },
    close: nothing,
  };
}

/** @returns {Target} */
export function leaseRowTarget() {
  const rows = [1n, -1n, 2n ** 62n].map((id) => Buffer.from(leaseValue({ id, ttl: 600, remaining: 2 ** 33 })));
  const keys = [1n, -1n].map((id) => Buffer.from(leaseKey(id)));
  return {
    name: 'lease rows',
    weight: 1,
    inputs: fc.tuple(fc.oneof(fc.constantFrom(...keys), mutated(keys)), mutated(rows)),
    async run([key, value]) {
      try {
        readLease(key, value);
      } catch (error) {
        return refusal(error, /^LEASE_CORRUPT$/);
      }
      return 'read';
    },
    close: nothing,
  };
}

/** @returns {Promise<Target>} */
export async function cursorTarget() {
  const kv = await open(memory());
  for (let at = 0; at < 20; at++) await kv.put(`k${at}`, 'v');
  const { next = '' } = await kv.page({}, { limit: 3 });
  if (next === '') throw new Error('no cursor');
  return {
    name: 'cursors',
    weight: 1,
    inputs: fc.oneof(
      mutated([Buffer.from(next)]).map((bytes) => bytes.toString('utf8')),
      fc.anything(),
    ),
    async run(cursor) {
      if (cursor === undefined) return 'nothing';
      try {
        await kv.page({}, { limit: 3, cursor });
      } catch (error) {
        return refusal(error, /^KV_INVALID$/);
      }
      return 'read';
    },
    close: () => kv.close(),
  };
}
