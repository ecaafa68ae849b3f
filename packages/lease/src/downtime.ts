/**
 * The time between a closing and the next opening, taken off what leases had left (`close-mark.ts`).
 *
 * DWN1  By the wall clock, and never less than nothing: a clock that was set back gives no lease more than it had.
 * DWN2  Nothing that can be said of leases changes while the mark is written: the lessor is closed.
 */
import type { Store } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import { Slice } from '@varve/base/pace';
import { hasMark, markBucket, MARK_LEASES, MarkWriter, readHead, readLeases } from './close-mark.ts';
import type { LeaseState } from './lease-state.ts';
import type { LeaseTable } from './lease-table.ts';

/** Begins the leases that a mark knows. @param start takes a lease's time, on the monotonic clock */
export async function readTimes(
  store: Store,
  state: LeaseState,
  clock: Clock,
  start: (lease: number, expiry: number) => void,
): Promise<void> {
  const { rows } = store;
  const closedAt = readHead(rows, store.appliedIndex().index);
  if (closedAt === undefined) return;
  const now = clock.now();
  const elapsedMs = Math.max(0, clock.unixMs() - closedAt);
  const slice = new Slice(clock);
  for await (const chunk of readLeases(rows)) {
    for (const [id, leftMs] of chunk) {
      if (slice.due()) await slice.turn();
      const lease = state.leases.find(id);
      if (lease !== 0 && leftMs >= 0) start(lease, now + Math.max(0, leftMs - elapsedMs));
    }
  }
}

/** Writes what each lease has left. @param time of both clocks, when the lessor was closed */
export async function writeMark(
  store: Store,
  leases: LeaseTable,
  time: { readonly unixMs: number; readonly now: number },
  clock: Clock,
): Promise<void> {
  const mark = new MarkWriter();
  let place = 1;
  for (let ended = false; !ended;) {
    if (!store.admitting) await store.admit();
    store.write(({ rows }) => {
      for (let added = 0; place < leases.end && added < MARK_LEASES; place++) {
        if (!leases.has(place)) continue;
        mark.add(leases.id(place), Math.max(0, leases.expiry.get(place) - time.now));
        added++;
      }
      mark.putRow(rows);
      ended = place >= leases.end;
      if (ended) mark.putHead(rows, time.unixMs, store.appliedIndex().index);
    });
    await clock.turn();
  }
  await store.settled();
}

/** Removes what a closing left. Returns whether there was something. Where nothing can be written it stays for who can. */
export async function dropMark(store: Store): Promise<boolean> {
  if (!(await hasMark(store.rows))) return false;
  try {
    if (!store.admitting) await store.admit();
    store.write(({ rows }) => rows.deleteBucket(markBucket));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'BACKEND_READ_ONLY') return false;
    throw error;
  }
  return true;
}
