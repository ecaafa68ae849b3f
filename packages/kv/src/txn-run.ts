/**
 * Carries out a planned transaction inside one write section of the store.
 *
 * TR1  Operations run in order; a read sees the changes before it.
 * TR2  Answers are decoded inside the section: a codec that throws undoes the transaction, so a rejected call has changed
 *     nothing (law 3).
 *
 * etcd: server/etcdserver/txn/txn.go (spec server-api.md 5.5).
 */
import type { RangeOpResult } from '@varve/api';
import type { Records } from '@varve/api/implement';
import type { LeaseTxn } from '@varve/lease';
import type { WriteTxn } from '@varve/watch';
import { runDelete } from './deletion.ts';
import { runPut } from './put-run.ts';
import type { Path, PathStep } from './txn-path.ts';

/** The answer of a transaction, while its revision is not known yet. */
export interface TxnAnswer {
  readonly succeeded: boolean;
  /** The same for all parts of one transaction; set when it is finished. */
  revision: number;
  readonly results: readonly unknown[];
}

export function runTxn<K, V>(path: Path, txn: WriteTxn, leases: LeaseTxn, records: Records<K, V>): TxnAnswer {
  const run = new Run(txn, leases, records);
  const answer = run.path(path);
  const revision = txn.changes().length === 0 ? txn.rev() : txn.rev() + 1;
  for (const part of run.answers) part.revision = revision;
  return answer;
}

class Run<K, V> {
  readonly answers: TxnAnswer[] = [];
  readonly #txn: WriteTxn;
  readonly #leases: LeaseTxn;
  readonly #records: Records<K, V>;

  constructor(txn: WriteTxn, leases: LeaseTxn, records: Records<K, V>) {
    this.#txn = txn;
    this.#leases = leases;
    this.#records = records;
  }

  path({ succeeded, steps }: Path): TxnAnswer {
    const answer = { succeeded, revision: 0, results: steps.map((step) => this.#step(step)) };
    this.answers.push(answer);
    return answer;
  }

  #step(step: PathStep): unknown {
    const txn = this.#txn;
    // A step of another name space has its own; what the caller knows of its answer is in its type.
    const records: Records<unknown, unknown> = step.records ?? this.#records;
    switch (step.type) {
      case 'get': {
        const kv = txn.get(step.at.key);
        return kv === undefined ? undefined : records.entry(kv);
      }
      case 'range': {
        const { kvs, count } = txn.range(step.at.key, step.at.end, {
          limit: step.limit,
          withTotal: true,
          reverse: step.reverse,
        });
        const found: RangeOpResult<unknown, unknown> = { entries: kvs.map((kv) => records.entry(kv)), total: count };
        return found;
      }
      case 'put':
        return runPut(txn, this.#leases, records, step);
      case 'delete':
        return runDelete(txn, records, step);
      case 'txn':
        return this.path(step.path);
      default:
        return step satisfies never;
    }
  }
}
