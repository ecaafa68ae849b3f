/**
 * A transaction that writes nothing, over a store that cannot be written: all of it is read at one visible revision.
 */
import type { RangeOpResult } from '@varve/api';
import { entriesOf, type Plan, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { findPath, type Path, type PathStep } from './txn-path.ts';
import type { TxnAnswer } from './txn-run.ts';

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
  const { core, revision, signal } = reading;
  const records: Records<unknown, unknown> = step.records ?? reading.records;
  switch (step.type) {
    case 'get': {
      const kv = core.store.get(step.at.key, { revision });
      return kv === undefined ? undefined : records.entry(kv);
    }
    case 'range': {
      const { at, limit, reverse } = step;
      const read = { revision, limit, reverse, withTotal: true, signal };
      const { kvs, count } = await core.store.range(at.key, at.end, read);
      const entries = await entriesOf(core.world.slice, records, kvs, signal);
      const found: RangeOpResult<unknown, unknown> = { entries, total: count };
      return found;
    }
    case 'txn':
      return readPath(step.path, reading);
    default:
      throw new TypeError('a transaction that reads has no operation that writes');
  }
}
