/**
 * Optimistic transactions: read one revision, buffer the writes, commit if what was read is still so, else begin again.
 *
 * TRN1  An attempt reads one revision, so its body never sees half of another transaction.
 * TRN2  Keys and ranges that were read are compared in the same section that writes: by the revision of each key's last
 *     change, and for ranges by the set of keys, too. Equal means: as if it had run in that instant.
 * TRN3  Some transaction commits in every round. A loser waits for the winner's commit before it reads again, because it
 *     could not see it earlier (law 1); a winner lets losers go first, so that none is overtaken for ever.
 * TRN4  Much that was read is compared before the section, in slices, while the line of the writes waits (law 10).
 *
 * etcd: client/v3/concurrency/stm.go. Departs: ranges are read, too, and guarded against new and vanished keys.
 */
import { KvError, type Transaction, type TransactionResult } from '@varve/api';
import { checkSignal, type Records, type Running } from '@varve/api/implement';
import { Attempt } from './attempt.ts';
import type { Core } from './core.ts';

/** Attempts, until one commits or there were too many. */
export async function repeat<K, V, T>(
  core: Core,
  records: Records<K, V>,
  running: Running,
  most: number,
  signal: AbortSignal | undefined,
  body: (tx: Transaction<K, V>) => T | Promise<T>,
): Promise<TransactionResult<T>> {
  let lost = 0;
  try {
    for (let attempts = 1; attempts <= most; attempts++) {
      checkSignal(signal);
      core.checkShut();
      const attempt = new Attempt(core, running);
      const outcome = await attempt.run(records, body);
      running.busy++;
      try {
        const revision = outcome.valid ? await attempt.commit(signal) : undefined;
        if (outcome.valid && revision !== undefined) {
          if (core.losers > lost) await core.world.clock.turn();
          return { value: outcome.value, revision, attempts };
        }
        if (attempts === 1) core.losers += ++lost;
        await core.store.settled();
      } finally {
        running.busy--;
        running.moved = true;
      }
    }
  } finally {
    core.losers -= lost;
  }
  const message = `what the transaction read changed in each of ${most} attempts; try again, or read less`;
  throw new KvError('KV_CONFLICT', message);
}
