/**
 * What of a source goes into one transaction of a target.
 *
 * APP1  Changes keep their order; two changes of one key never share a transaction, so that each stays an event of its own. Of one
 *       revision only the last change of a key counts: what it was in between was never a state.
 * APP2  A revision is never split unless it is larger than a transaction may be; then its parts are counted.
 */
import { put, remove, type DeleteOp, type KvEvent, type PutOp } from '@varve/api';
import { byteKey } from '@varve/base/order';
import { isOwn, type Place } from './checkpoint.ts';

export type WriteOp = PutOp<Uint8Array, Uint8Array> | DeleteOp<Uint8Array>;

/** A change, and the transaction's price of it. */
export interface Change {
  readonly name: string;
  readonly op: WriteOp;
  readonly bytes: number;
}

/** One revision of the source, or that it has come so far. */
export interface Batch {
  readonly revision: number;
  /** A fence was put here. */
  readonly isFence: boolean;
  readonly bytes: number;
  readonly changes: readonly Change[];
}

export interface Group {
  readonly changes: readonly Change[];
  /** Where the target is once they are written. */
  readonly place: Place;
  /** Whole batches it took. */
  readonly batches: number;
}

export interface Bounds {
  readonly maxOps: number;
  readonly maxBytes: number;
}

/** @param fence the key of this mirror's fences, by `byteKey` */
export function batchOf(revision: number, events: readonly KvEvent<Uint8Array, Uint8Array>[], fence: string): Batch {
  const last = new Map<string, Change>();
  let isFence = false;
  for (const event of events) {
    if (isOwn(event.key)) {
      isFence ||= event.type === 'put' && byteKey(event.key) === fence;
      continue;
    }
    const name = byteKey(event.key);
    const op = event.type === 'put' ? put(event.key, event.value) : remove(event.key);
    // Out and in again: the place of the last one.
    last.delete(name);
    last.set(name, { name, op, bytes: event.key.length + (event.value?.length ?? 0) });
  }
  const changes = [...last.values()];
  return { revision, isFence, bytes: bytesOf(changes), changes };
}

/** The next transaction. @param part changes of the first batch that are done already */
export function nextGroup(batches: readonly Batch[], part: number, bounds: Bounds): Group {
  const first = batches[0]!;
  const begun = fitting(first.changes, part, bounds);
  if (begun < first.changes.length) {
    return {
      changes: first.changes.slice(part, begun),
      place: { revision: first.revision - 1, part: begun },
      batches: 0,
    };
  }
  const changes = first.changes.slice(part);
  const names = new Set(changes.map(({ name }) => name));
  let { bytes } = part === 0 ? first : { bytes: bytesOf(changes) };
  let taken = 1;
  for (; taken < batches.length; taken++) {
    const { changes: next, bytes: more } = batches[taken]!;
    const fits = changes.length + next.length <= bounds.maxOps && bytes + more <= bounds.maxBytes;
    if (!fits || next.some(({ name }) => names.has(name))) break;
    for (const change of next) {
      changes.push(change);
      names.add(change.name);
    }
    bytes += more;
  }
  return { changes, place: { revision: batches[taken - 1]!.revision, part: 0 }, batches: taken };
}

/** Up to where the changes fit into one transaction: at least one does. */
function fitting(changes: readonly Change[], from: number, { maxOps, maxBytes }: Bounds): number {
  let bytes = 0;
  for (let at = from; at < changes.length; at++) {
    bytes += changes[at]!.bytes;
    if (at > from && (at - from >= maxOps || bytes > maxBytes)) return at;
  }
  return changes.length;
}

function bytesOf(changes: readonly Change[]): number {
  let bytes = 0;
  for (const change of changes) bytes += change.bytes;
  return bytes;
}
