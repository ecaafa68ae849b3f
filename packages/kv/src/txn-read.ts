/**
 * A transaction that writes nothing, over a store that cannot be written: all of it is read at one visible revision.
 */
import type { Core } from './core.ts';
import type { RangeOpResult } from './operations.ts';
import type { Records } from './records.ts';
import { findPath, type Path, type PathStep } from './txn-path.ts';
import type { TxnAnswer } from './txn-run.ts';
import type { Plan } from './txn.ts';

export async function readTxn<K, V>(
  core: Core,
  plan: Plan,
  records: Records<K, V>,
  signal: AbortSignal | undefined,
): Promise<TxnAnswer> {
  const revision = core.store.rev();
  const path = await findPath(core, plan, revision, signal);
  return readPath(path, { core, records, revision, signal });
}

interface Reading<K, V> {
  readonly core: Core;
  readonly records: Records<K, V>;
  readonly revision: number;
  readonly signal: AbortSignal | undefined;
}

async function readPath<K, V>({ succeeded, steps }: Path, reading: Reading<K, V>): Promise<TxnAnswer> {
  const results: unknown[] = [];
  for (const step of steps) results.push(await readStep(step, reading));
  return { succeeded, revision: reading.revision, results };
}

async function readStep<K, V>(step: PathStep, reading: Reading<K, V>): Promise<unknown> {
  const { core, records, revision, signal } = reading;
  switch (step.type) {
    case 'get': {
      const kv = core.store.get(step.at.key, { revision });
      return kv === undefined ? undefined : records.entry(kv);
    }
    case 'range': {
      const { key, end } = step.at;
      const { kvs, count } = await core.store.range(key, end, { revision, limit: step.limit, withTotal: true, signal });
      const found: RangeOpResult<K, V> = { entries: await records.entries(kvs, signal), total: count };
      return found;
    }
    case 'txn':
      return readPath(step.path, reading);
    default:
      throw new TypeError('a transaction that reads has no operation that writes');
  }
}
