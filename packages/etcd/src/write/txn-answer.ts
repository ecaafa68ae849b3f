/**
 * The answer of a transaction, as every `Kv` gives it: one result an operation.
 *
 * TAN1  It has been carried out when it is read here: a codec that refuses what was read ends the call with `KV_DECODE`, and undoes nothing.
 *     The error is that of every `Kv`; its message says besides that the write is done.
 */
import { KvError } from '@varve/api';
import type { PutResult, RangeOpResult, DeleteResult } from '@varve/api';
import { leaseText, type Plan, type Records, type Step } from '@varve/api/implement';
import type { DeleteRangeResponse, PutResponse, ResponseOp, TxnResponse } from '@varve/etcd-api';
import { storedRecord } from '../messages.ts';
import type { LeaseOf } from './txn-request.ts';

export interface TxnAnswer {
  readonly succeeded: boolean;
  /** The same for all parts of one transaction. */
  readonly revision: number;
  readonly results: readonly unknown[];
}

export class AnswerReader<K, V> {
  readonly #records: Records<K, V>;
  readonly #leaseOf: LeaseOf;
  readonly #revision: number;

  constructor(records: Records<K, V>, leaseOf: LeaseOf, revision: number) {
    this.#records = records;
    this.#leaseOf = leaseOf;
    this.#revision = revision;
  }

  read(plan: Plan, { succeeded, responses }: TxnResponse): TxnAnswer {
    const steps = succeeded ? plan.then : plan.else;
    const results = steps.map((step, i) => this.#result(step, responses[i]));
    return { succeeded, revision: this.#revision, results };
  }

  #result(step: Step, answer: ResponseOp | undefined): unknown {
    const records: Records<unknown, unknown> = step.records ?? this.#records;
    const response = answer?.response;
    switch (step.type) {
      case 'get': {
        const kv = response?.case === 'responseRange' ? response.value.kvs[0] : undefined;
        return kv && records.entry(storedRecord(kv));
      }
      case 'range': {
        const { kvs = [], count = 0n } = response?.case === 'responseRange' ? response.value : {};
        const entries = kvs.map((kv) => records.entry(storedRecord(kv)));
        const found: RangeOpResult<unknown, unknown> = { entries, total: Number(count) };
        return found;
      }
      case 'put':
        return putResult(
          records,
          response?.case === 'responsePut' ? response.value : undefined,
          this.#revision,
          step.lease !== undefined && 'ttl' in step.lease ? this.#leaseOf(step.lease) : undefined,
        );
      case 'delete':
        return deleteResult(
          records,
          response?.case === 'responseDeleteRange' ? response.value : undefined,
          this.#revision,
          step.previous,
        );
      case 'txn':
        return response?.case === 'responseTxn' ? this.read(step.plan, response.value) : undefined;
      default:
        return step satisfies never;
    }
  }
}

/** Reads the answer of a write that is done as `revision`. @throws KvError `KV_DECODE` (TAN1) */
export function readDone<T>(revision: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'KV_DECODE') throw error;
    const message = `${error.message}. What the call writes is written all the same, as revision ${revision}`;
    throw new KvError(error.code, message, {
      key: error.key,
      revision: error.revision,
      issues: error.issues,
      cause: error.cause,
    });
  }
}

/** @param granted the lease that the put was given of its own */
export function putResult<K, V>(
  records: Records<K, V>,
  answer: PutResponse | undefined,
  revision: number,
  granted: bigint | undefined,
): PutResult<K, V> {
  const before = answer?.prevKv;
  return {
    revision: Number(answer?.header?.revision ?? revision),
    ...(granted === undefined ? undefined : { lease: leaseText(granted) }),
    ...(before === undefined ? undefined : { previous: records.entry(storedRecord(before)) }),
  };
}

export function deleteResult<K, V>(
  records: Records<K, V>,
  answer: DeleteRangeResponse | undefined,
  revision: number,
  previous: boolean,
): DeleteResult<K, V> {
  return {
    revision: Number(answer?.header?.revision ?? revision),
    deleted: Number(answer?.deleted ?? 0n),
    ...(previous ? { previous: (answer?.prevKvs ?? []).map((kv) => records.entry(storedRecord(kv))) } : undefined),
  };
}
