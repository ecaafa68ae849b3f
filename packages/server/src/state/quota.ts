/**
 * The guard before everything that takes space: what would not fit is refused, and the alarm is raised, which sticks.
 *
 * SVQG1  Looked at before anything else about the request (S134). A refusal by the alarm comes later, behind validation (S126).
 * SVQG2  The size is that of the medium: deleting frees nothing until a defrag (spec backend.md 11).
 *
 * etcd: server/etcdserver/api/v3rpc/quota.go, server/storage/quota.go.
 */
import { AlarmType, type PutRequest, type RequestOp, type TxnRequest } from '@varve/etcd-api';
import type { Backend } from '@varve/watch';
import { failures } from '../status.ts';
import type { Alarms } from './alarms.ts';

const DEFAULT_BYTES = 2 * 1024 ** 3;
const ROW_COST = 256;
export const GRANT_COST = 64;

export class Quota {
  /** Bytes; Infinity for none. */
  readonly bytes: number;
  readonly #backend: Pick<Backend, 'size'>;
  readonly #alarms: Alarms;
  readonly #memberId: bigint;

  /** @param configured bytes; 0: 2 GiB; negative: none */
  constructor(backend: Pick<Backend, 'size'>, alarms: Alarms, memberId: bigint, configured: number) {
    this.#backend = backend;
    this.#alarms = alarms;
    this.#memberId = memberId;
    this.bytes = configured < 0 ? Infinity : configured === 0 ? DEFAULT_BYTES : configured;
  }

  fits(cost: number): boolean {
    return this.#backend.size + cost < this.bytes || cost === 0;
  }

  /** Raises the alarm, and refuses. Await it where `fits` says no. */
  async refuse(): Promise<never> {
    const alarms = this.#alarms;
    if (!alarms.has(this.#memberId, AlarmType.NOSPACE)) await alarms.activate(this.#memberId, AlarmType.NOSPACE);
    throw failures.noSpace();
  }
}

export function putCost({ key, value }: PutRequest): number {
  return ROW_COST + key.length + value.length;
}

/** The dearer branch. Nesting is bounded where requests are read. */
export function txnCost({ success, failure }: TxnRequest): number {
  return Math.max(branchCost(success), branchCost(failure));
}

function branchCost(ops: readonly RequestOp[]): number {
  let cost = 0;
  for (const { request } of ops) {
    if (request.case === 'requestPut') cost += putCost(request.value);
    else if (request.case === 'requestTxn') cost += txnCost(request.value);
  }
  return cost;
}
