/**
 * So many calls in so many seconds, for all processes together.
 *
 * RLM1  The first call opens a window, which ends by itself. Later calls count in it, and do not make it longer.
 * RLM2  However many count at once, no more than the limit are let through.
 * RLM3  A call that is refused writes nothing: who is flooded keeps no record of the flood.
 */
import { codeOf, type Kv } from '@varve/kv';

export interface Verdict {
  readonly allowed: boolean;
  /** Calls that are left in this window. */
  readonly left: number;
  /** Seconds until the next window, where it was refused. */
  readonly retryAfter?: number | undefined;
}

/** @param counts whose values are numbers: open it with `json<number>()` */
export async function take(counts: Kv<string, number>, who: string, limit: number, seconds: number): Promise<Verdict> {
  const key = `rate/${who}`;
  try {
    const { value } = await counts.transaction(async (tx) => {
      const entry = await tx.get(key);
      const used = entry?.value ?? 0;
      if (used >= limit) return { allowed: false, left: 0, lease: entry?.lease };
      tx.put(key, used + 1, entry?.lease === undefined ? { ttl: seconds } : { lease: entry.lease });
      return { allowed: true, left: limit - used - 1, lease: undefined };
    });
    const { lease, ...verdict } = value;
    if (lease === undefined) return verdict;
    return { ...verdict, retryAfter: Math.ceil(await (await counts.lease({ id: lease })).remaining()) };
  } catch (error) {
    // The window ended between two of these steps.
    if (codeOf(error) === 'LEASE_NOT_FOUND') return take(counts, who, limit, seconds);
    throw error;
  }
}
