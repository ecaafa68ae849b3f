/**
 * Optimistic transactions: read one revision, buffer the writes, commit if what was read is still so, else begin again.
 *
 * ETR1  The first attempt asks for the newest revision; the next one reads that which the attempt before has lost to.
 * ETR2  Who has lost often pauses, by chance longer or shorter, so that those who fight for a key do not meet again at once.
 *
 * etcd: client/v3/concurrency/stm.go. Departs: ranges are read, too, and guarded against new and vanished keys.
 */
import { KvError, type Transaction, type TransactionOptions, type TransactionResult } from '@varve/api';
import { checkSignal, planTransaction, type Records, type Running } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { Attempt } from './attempt.ts';

/** Attempts that are lost without a pause. */
const patience = 4;
const longestPauseMs = 100;

export function optimistic<K, V, T>(
  core: Core,
  records: Records<K, V>,
  body: (tx: Transaction<K, V>) => T | Promise<T>,
  options: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  return core.call(async () => {
    const { attempts, signal } = planTransaction(body, options);
    return core.running.run((running) => repeat(core, records, running, attempts, signal, body));
  });
}

async function repeat<K, V, T>(
  core: Core,
  records: Records<K, V>,
  running: Running,
  most: number,
  signal: AbortSignal | undefined,
  body: (tx: Transaction<K, V>) => T | Promise<T>,
): Promise<TransactionResult<T>> {
  const busy = async <R>(work: () => Promise<R>): Promise<R> => {
    running.busy++;
    try {
      return await work();
    } finally {
      running.busy--;
      running.moved = true;
    }
  };
  const present = (): Promise<number> => busy(() => core.present(records.keys.bounds({}), signal));
  let revision = await present();
  for (let attempts = 1; attempts <= most; attempts++) {
    checkSignal(signal);
    core.checkShut();
    const attempt = new Attempt(core, running, revision);
    const outcome = await attempt.run(records, body);
    if (!outcome.valid) {
      revision = await present();
      continue;
    }
    const commit = await busy(() => attempt.commit(signal));
    if (commit.won) return { value: outcome.value, revision: commit.revision, attempts };
    revision = commit.revision;
    if (attempts >= patience) await busy(() => pauseByChance(core, attempts, signal));
  }
  const message = `what the transaction read changed in each of ${most} attempts; try again, or read less`;
  throw new KvError('KV_CONFLICT', message);
}

async function pauseByChance({ world }: Core, attempts: number, signal: AbortSignal | undefined): Promise<void> {
  const [chance = 0] = world.random.bytes(1);
  await world.clock.pause((Math.min(attempts, longestPauseMs) * chance) / 255, signal);
}
