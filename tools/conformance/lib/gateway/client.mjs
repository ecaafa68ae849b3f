// @ts-check
/**
 * `GrpcClient`'s calls over the gateway: each request is written in one of the many ways that JSON has for it, by chance, and each answer
 * read by protobuf-es.
 */
import { fromJson, ScalarType } from '@bufbuild/protobuf';
import { Cluster, KV, Lease, Maintenance } from '@varve/etcd-api';
import { GrpcClient } from '../grpc/client.mjs';
import { toJson } from '../grpc/messages.mjs';
import { randomOf } from '../grpc/random-ops.mjs';
import { toBytes } from '../values.mjs';

/** @typedef {Record<string, any>} Json */
/** @typedef {import('@bufbuild/protobuf').DescMessage} DescMessage */
/** @typedef {import('@bufbuild/protobuf').DescField} DescField */

/** Op of a recording -> service, method, path. @type {Readonly<Record<string, readonly [any, string, string]>>} */
const methods = {
  range: [KV, 'range', 'kv/range'],
  put: [KV, 'put', 'kv/put'],
  deleteRange: [KV, 'deleteRange', 'kv/deleterange'],
  txn: [KV, 'txn', 'kv/txn'],
  compact: [KV, 'compact', 'kv/compaction'],
  leaseGrant: [Lease, 'leaseGrant', 'lease/grant'],
  leaseRevoke: [Lease, 'leaseRevoke', 'kv/lease/revoke'],
  leaseTtl: [Lease, 'leaseTimeToLive', 'lease/timetolive'],
  leaseList: [Lease, 'leaseLeases', 'lease/leases'],
  memberList: [Cluster, 'memberList', 'cluster/member/list'],
  status: [Maintenance, 'status', 'maintenance/status'],
};

export class GatewayClient extends GrpcClient {
  #url;
  #random;

  /** @param {string} endpoint host:port @param {number} seed of the ways in which requests are written */
  constructor(endpoint, seed) {
    super(endpoint);
    this.#url = `http://${endpoint}`;
    this.#random = randomOf(seed);
  }

  /**
   * @param {string} op those that 3.4 has no path for, such as `hashKV`, go by gRPC
   * @param {Json} req
   * @returns {Promise<{ res: Json } | { err: { code: number, msg: string } }>}
   * @override
   */
  async call(op, req) {
    if (!Object.hasOwn(methods, op)) return super.call(op, req);
    const [service, name, path] = /** @type {any} */ (methods[op]);
    const { input, output } = service.method[name];
    const prefix = this.#random() < 0.2 ? 'v3beta' : 'v3';
    const response = await fetch(`${this.#url}/${prefix}/${path}`, { method: 'POST', body: this.#object(input, req) });
    const answer = /** @type {any} */ (await response.json());
    if (response.status === 200) return { res: toJson(output, fromJson(output, answer)) };
    if (answer.error !== answer.message) throw new Error(`two texts: ${JSON.stringify(answer)}`);
    return { err: { code: answer.code, msg: answer.error } };
  }

  /** @param {DescMessage} desc @param {Json} plain @returns {string} */
  #object(desc, plain) {
    const members = [];
    for (const field of desc.fields) {
      const value = plain[field.localName];
      if (value === undefined) continue;
      const name = this.#random() < 0.5 ? field.name : field.jsonName;
      const text = Array.isArray(value)
        ? `[${value.map((one) => this.#value(field, one)).join(this.#space(','))}]`
        : this.#value(field, value);
      members.push(`${JSON.stringify(name)}${this.#space(':')}${text}`);
      if (this.#random() < 0.1) members.push(`"unknown${members.length}":{"__proto__":[1,{"a":null}]}`);
    }
    if (this.#random() < 0.3) members.reverse();
    return `{${members.join(this.#space(','))}}`;
  }

  /** @param {DescField} field @param {any} value @returns {string} */
  #value(field, value) {
    if (field.message !== undefined) return this.#object(field.message, value);
    if (field.enum !== undefined) {
      const named = field.enum.values.find(({ number }) => number === value);
      return named !== undefined && this.#random() < 0.5 ? JSON.stringify(named.name) : String(value);
    }
    if (field.scalar === ScalarType.BYTES) return JSON.stringify(Buffer.from(toBytes(value)).toString('base64'));
    if (field.scalar === ScalarType.BOOL || field.scalar === ScalarType.STRING) return JSON.stringify(value);
    return this.#random() < 0.5 ? String(value) : `"${value}"`;
  }

  /** @param {string} mark */
  #space(mark) {
    return this.#random() < 0.2 ? ` ${mark}\n\t` : mark;
  }
}
