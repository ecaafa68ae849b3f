/**
 * Sessions that end by themselves when nobody uses them.
 *
 * SSN1  A session lives for `ttl` seconds after it was last used. Using it writes nothing: it renews a lease.
 * SSN2  Changing a session keeps it on its lease: a put that names none would take it off, and it would live for ever.
 * SSN3  The store has a hash of the token: who reads a backup cannot use what it finds.
 */
import { createHash, randomBytes } from 'node:crypto';
import { codeOf, type Kv } from '@varve/kv';

/** `V` is what the program keeps of a session. */
export type Sessions<V> = Kv<string, V>;

/** Begins a session; returns the token that the user shows from now on. */
export async function begin<V>(sessions: Sessions<V>, value: V, ttl: number = 1800): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await sessions.put(keyOf(token), value, { ttl });
  return token;
}

/** What is kept of the session, which lives for another `ttl`; `undefined` when it is over. */
export async function use<V>(sessions: Sessions<V>, token: string): Promise<V | undefined> {
  const entry = await sessions.get(keyOf(token));
  if (entry?.lease === undefined) return undefined;
  try {
    const lease = await sessions.lease({ id: entry.lease });
    await lease.keepAlive();
    return entry.value;
  } catch (error) {
    // Its time came between two of these calls.
    if (codeOf(error) === 'LEASE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Returns what is kept from now on; `undefined` when it is over. `to` is called again when others change it, too. */
export async function change<V>(sessions: Sessions<V>, token: string, to: (value: V) => V): Promise<V | undefined> {
  const { value } = await sessions.transaction(async (tx) => {
    const entry = await tx.get(keyOf(token));
    if (entry === undefined) return undefined;
    const next = to(entry.value);
    tx.put(keyOf(token), next, { lease: entry.lease });
    return next;
  });
  return value;
}

/** Ends a session now; fine when it is over. Its lease, which holds nothing any more, runs out by itself. */
export async function end<V>(sessions: Sessions<V>, token: string): Promise<void> {
  await sessions.delete(keyOf(token));
}

function keyOf(token: string): string {
  return `session/${createHash('sha256').update(token).digest('base64url')}`;
}
