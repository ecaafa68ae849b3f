/** Optimistic transactions: asked for here, carried out by a part that is loaded with the first one (`transaction.ts`). */
import type { Transaction, TransactionOptions, TransactionResult } from '@varve/api';
import { planTransaction, type Records, type Running } from '@varve/api/implement';
import type { Core } from './core.ts';
import { transacting } from './late.ts';

export function optimistic<K, V, T>(
  core: Core,
  records: Records<K, V>,
  body: (tx: Transaction<K, V>) => T | Promise<T>,
  options: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  return core.call(async () => {
    const { attempts, signal } = planTransaction(body, options);
    return core.running.run(async (running) => {
      const { repeat } = transacting.loaded ?? (await loadFor(running));
      return repeat(core, records, running, attempts, signal, body);
    });
  });
}

/** Loads the part. Whoever closes the store meanwhile waits for it, as for what the transaction reads. */
async function loadFor(running: Running): Promise<typeof import('./transactions.ts')> {
  running.busy++;
  try {
    return await transacting.load();
  } finally {
    running.busy--;
    running.moved = true;
  }
}
