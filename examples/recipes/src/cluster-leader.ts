/**
 * One of several processes leads; when it dies, another one does. With any `Kv`: `open('etcd://a:2379,b:2379')`, and a store in this process
 * for tests.
 *
 * CLD1  Who leads is who made the key. It goes with the leader's lease, which it renews as long as it lives.
 * CLD2  Who waits watches from the revision at which it was told of the other one: that one's end is not missed.
 * CLD3  What a leader writes holds only while it leads: the condition is the revision that made its key.
 */
import { codeOf, compare, type Kv, type Op } from '@varve/kv';

export interface Leadership {
  readonly name: string;
  /** The revision that made the key: larger for every leader that comes. */
  readonly revision: number;
  /** Aborts when somebody else may lead: stop then. */
  readonly lost: AbortSignal;
  resign(): Promise<void>;
}

/** Resolves when `id` leads; rejects with `LEASE_NOT_FOUND` when its lease was lost while it waited. @param ttl seconds */
export async function lead(kv: Kv, name: string, id: string, ttl: number): Promise<Leadership> {
  const lease = await kv.lease({ ttl, keepAlive: true });
  const { signal: lost } = lease;
  const resign = async (): Promise<void> => void (await lease.revoke());
  for (;;) {
    const made = await kv.create(name, id, { lease });
    if (made.succeeded) return { name, revision: made.revision, lost, resign };
    try {
      for await (const _ of kv.watch(name, { only: 'delete', from: made.revision + 1, signal: lost })) break;
    } catch (error) {
      // So long ago that it cannot be told: look again.
      if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
    }
  }
}

/** Writes as the leader; `false`: it leads no more, and nothing was written. */
export async function asLeader(
  kv: Kv,
  { name, revision }: Leadership,
  then: readonly Op<string, string>[],
): Promise<boolean> {
  return (await kv.txn({ if: [compare(name, { createRevision: { equals: revision } })], then })).succeeded;
}
