/**
 * A run of changes as events; what has to be made for one is made once, whoever wants it.
 *
 * CHA1  Events, and arrays of them, are frozen: watchers with equal needs share them, and none can change what another
 *     one gets (W46). A change is frozen by the store, and is the event where nothing is to be added.
 * CHA2  `previous` is the key as it was before the event's own transaction, or absent; never a wrong one (W77, W86).
 *
 * etcd: server/storage/mvcc/watchable_store_txn.go, api/v3rpc/watch.go (sendLoop). Departs: the previous value is read
 * when the event is made, so that compaction has the least time to take it away.
 */
import type { Change, KeyValue } from '@varve/mvcc';
import { NO_DELETES, NO_PUTS, PREVIOUS, type Needs } from '../places/watcher.ts';
import type { Event } from '../watchable-store.ts';

/** Reads the key as it was before the change's transaction. */
export type PreviousOf = (kv: KeyValue) => KeyValue | undefined;

const nothing: readonly Event[] = Object.freeze([]);

export class ChangeRun {
  readonly changes: readonly Change[];
  readonly #previousOf: PreviousOf;
  #withPrevious: (Event | undefined)[] | undefined;

  constructor(changes: readonly Change[], previousOf: PreviousOf) {
    this.changes = changes;
    this.#previousOf = previousOf;
  }

  /** The events that `needs` leaves of the changes at `indices`. */
  events(indices: readonly number[], needs: Needs): readonly Event[] {
    if (indices.length === 1) {
      const index = indices[0]!;
      return this.#drops(index, needs) ? nothing : Object.freeze([this.#event(index, needs)]);
    }
    // All of them as they are, as a watcher of everything gets them.
    if (needs === 0 && indices.length === this.changes.length) return Object.freeze(this.changes.slice());
    const events: Event[] = [];
    for (const index of indices) if (!this.#drops(index, needs)) events.push(this.#event(index, needs));
    return events.length === 0 ? nothing : Object.freeze(events);
  }

  /** Makes the event at `index` ahead of time. */
  prepare(index: number, needs: Needs): void {
    if (!this.#drops(index, needs)) this.#event(index, needs);
  }

  #drops(index: number, needs: Needs): boolean {
    return (needs & (this.changes[index]!.type === 'put' ? NO_PUTS : NO_DELETES)) !== 0;
  }

  #event(index: number, needs: Needs): Event {
    if ((needs & PREVIOUS) === 0) return this.changes[index]!;
    // An array of the exact size: an empty one that grows takes room for seventeen.
    const made = (this.#withPrevious ??= new Array<Event | undefined>(this.changes.length));
    return (made[index] ??= this.#makeWithPrevious(index));
  }

  #makeWithPrevious(index: number): Event {
    const { type, kv } = this.changes[index]!;
    // A creation has none; a deletion has createRevision 0.
    const previous = kv.createRevision === kv.modRevision ? undefined : this.#previousOf(kv);
    return Object.freeze(previous === undefined ? { type, kv } : { type, kv, previous });
  }
}
