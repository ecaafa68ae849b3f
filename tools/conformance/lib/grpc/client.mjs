// @ts-check
/** A client of a live server, in terms of recordings: JSON in, JSON or the status out. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  Auth,
  authService,
  clusterService,
  Cluster,
  Election,
  electionService,
  KV,
  kvService,
  Lease,
  leaseService,
  Lock,
  lockService,
  Maintenance,
  maintenanceService,
  Watch,
  watchService,
} from '@varve/etcd-api';
import { toJson, toMessage } from './messages.mjs';

/** @typedef {Record<string, any>} Json */

/** Op of a recording -> service and method. @type {Readonly<Record<string, readonly [any, any, string]>>} */
const methods = {
  range: [KV, kvService, 'range'],
  put: [KV, kvService, 'put'],
  deleteRange: [KV, kvService, 'deleteRange'],
  txn: [KV, kvService, 'txn'],
  compact: [KV, kvService, 'compact'],
  hashKV: [Maintenance, maintenanceService, 'hashKV'],
  alarm: [Maintenance, maintenanceService, 'alarm'],
  status: [Maintenance, maintenanceService, 'status'],
  defragment: [Maintenance, maintenanceService, 'defragment'],
  leaseGrant: [Lease, leaseService, 'leaseGrant'],
  leaseRevoke: [Lease, leaseService, 'leaseRevoke'],
  leaseTtl: [Lease, leaseService, 'leaseTimeToLive'],
  leaseList: [Lease, leaseService, 'leaseLeases'],
  leaseKeepAlive: [Lease, leaseService, 'leaseKeepAlive'],
  memberList: [Cluster, clusterService, 'memberList'],
  ...Object.fromEntries(Auth.methods.map(({ localName }) => [localName, [Auth, authService, localName]])),
  lock: [Lock, lockService, 'lock'],
  unlock: [Lock, lockService, 'unlock'],
  campaign: [Election, electionService, 'campaign'],
  proclaim: [Election, electionService, 'proclaim'],
  leader: [Election, electionService, 'leader'],
  resign: [Election, electionService, 'resign'],
};

export class GrpcClient {
  #client;

  /** @param {string} endpoint host:port */
  constructor(endpoint) {
    this.#client = new Client(endpoint, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
  }

  close() {
    this.#client.close();
  }

  /** @param {string} op */
  static knows(op) {
    return Object.hasOwn(methods, op);
  }

  /**
   * @param {string} op
   * @param {Json} req
   * @param {string} [token] of a user
   * @returns {Promise<{ res: Json } | { err: { code: number, msg: string } }>}
   */
  async call(op, req, token) {
    const [service, definition, name] = /** @type {any} */ (methods[op]);
    const { input, output } = service.method[name];
    const { path, requestSerialize, responseDeserialize } = definition[name];
    const message = toMessage(input, req);
    try {
      const answer = await (op === 'leaseKeepAlive'
        ? this.#first(path, requestSerialize, responseDeserialize, message)
        : this.#unary(path, requestSerialize, responseDeserialize, message, token));
      return { res: toJson(output, answer) };
    } catch (error) {
      const { code, details } = /** @type {any} */ (error);
      if (typeof code !== 'number') throw error;
      return { err: { code, msg: details } };
    }
  }

  /**
   * @param {string} path
   * @param {any} serialize
   * @param {any} deserialize
   * @param {any} message
   * @param {string | undefined} token
   */
  #unary(path, serialize, deserialize, message, token) {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('token', token);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, serialize, deserialize, message, metadata, (error, answer) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });
  }

  /**
   * One message on a stream of its own, and the first answer.
   * @param {string} path
   * @param {any} serialize
   * @param {any} deserialize
   * @param {any} message
   */
  #first(path, serialize, deserialize, message) {
    return new Promise((resolve, reject) => {
      const stream = this.#client.makeBidiStreamRequest(path, serialize, deserialize);
      stream.once('data', (answer) => {
        resolve(answer);
        stream.end();
      });
      stream.once('error', reject);
      stream.write(message);
    });
  }

  /**
   * A watch stream.
   * @param {(answer: Json) => void} onAnswer
   */
  watch(onAnswer) {
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const { input, output } = Watch.method.watch;
    const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('data', (answer) => onAnswer(toJson(output, answer)));
    stream.on('error', () => undefined);
    return {
      /** @param {Json} request */
      send: (request) => void stream.write(toMessage(input, request)),
      cancel: () => stream.cancel(),
    };
  }
}
