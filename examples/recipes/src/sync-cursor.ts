/**
 * A sync cursor: a client that was away asks for what changed since, and is told the cursor for the next time.
 *
 * SCU1  A cursor means: everything up to this revision is known, so the answer begins with the revision after it.
 * SCU2  An answer ends between two revisions, never inside of one.
 * SCU3  A cursor that leads nowhere gets the whole state: its history is compacted, or the store is an older copy.
 */
import { codeOf, type Kv, type KvEvent } from '@varve/kv';

export interface Changes {
  /** Ask with it the next time. */
  readonly cursor: number;
  /** The events are the whole state: forget what you have. */
  readonly reset: boolean;
  readonly events: readonly KvEvent<string, string>[];
  /** There are more by now: ask again at once. */
  readonly more: boolean;
}

/** @param cursor of the answer before; 0 the first time */
export async function changesSince(kv: Kv, prefix: string, cursor: number, limit: number = 1000): Promise<Changes> {
  const { revision } = await kv.status();
  if (cursor === revision) return { cursor, reset: false, events: [], more: false };
  const events: KvEvent<string, string>[] = [];
  if (cursor > 0 && cursor < revision) {
    // An empty batch comes after each 5 ms without an event: it moves the revision on where only other keys have changed.
    const watch = kv.watch({ prefix }, { from: cursor + 1, progressIntervalMs: 5 });
    try {
      for await (const batch of watch.batches()) {
        events.push(...batch.events);
        if (watch.revision >= revision || events.length >= limit) break;
      }
      return { cursor: watch.revision, reset: false, events, more: watch.revision < revision };
    } catch (error) {
      if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
      events.length = 0;
    }
  }
  for await (const entry of kv.at(revision).list({ prefix })) {
    events.push({ type: 'put', revision: entry.modRevision, ...entry });
  }
  return { cursor: revision, reset: true, events, more: false };
}
