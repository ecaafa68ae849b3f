/**
 * What a user may read and write: the permissions of all its roles, laid together.
 *
 *     READ [k,l)  +  READ [l,m)     covers [k,m), whichever roles they came from
 *
 * SVAG1  Reading needs READ or READWRITE, writing WRITE or READWRITE; a type that nobody knows gives nothing.
 * SVAG2  A range is covered wholly by the union, or it is not covered. One that no key can be in is covered as its first key is:
 *     its answer is empty anyway, and what etcd says to it depends on the shape of its tree.
 * SVAG3  A permission over a range that no key can be in, which etcd 3.4 stores without a word, gives nothing.
 *
 * etcd: server/auth/range_perm_cache.go (spec server-api.md 10.2).
 */
import { Permission_Type as Type, type Permission } from '@varve/etcd-api';
import { isFromKey } from '../kv/keys.ts';

/** Keys as latin1 text, which has their order. */
interface Interval {
  readonly start: string;
  /** Exclusive; `undefined`: no end. */
  readonly end: string | undefined;
}

export class Grants {
  readonly #read: readonly Interval[];
  readonly #write: readonly Interval[];

  constructor(permissions: Iterable<Permission>) {
    const read: Interval[] = [];
    const write: Interval[] = [];
    for (const { permType, key, rangeEnd } of permissions) {
      const interval = intervalOf(key, rangeEnd);
      if (interval.end !== undefined && interval.end <= interval.start) continue;
      if (permType === Type.READ || permType === Type.READWRITE) read.push(interval);
      if (permType === Type.WRITE || permType === Type.READWRITE) write.push(interval);
    }
    this.#read = union(read);
    this.#write = union(write);
  }

  /** @param rangeEnd as on the wire */
  mayRead(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    return covers(this.#read, intervalOf(key, rangeEnd));
  }

  mayWrite(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    return covers(this.#write, intervalOf(key, rangeEnd));
  }
}

function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): Interval {
  const start = textOf(key);
  if (rangeEnd.length === 0) return { start, end: `${start}\0` };
  return { start, end: isFromKey(rangeEnd) ? undefined : textOf(rangeEnd) };
}

/** In order, and no two that touch. */
function union(intervals: Interval[]): readonly Interval[] {
  intervals.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const joined: Interval[] = [];
  for (const next of intervals) {
    const last = joined.at(-1);
    if (last === undefined || (last.end !== undefined && last.end < next.start)) joined.push(next);
    else if (isBeyond(next.end, last.end)) joined[joined.length - 1] = { start: last.start, end: next.end };
  }
  return joined;
}

function isBeyond(end: string | undefined, other: string | undefined): boolean {
  if (other === undefined) return false;
  return end === undefined || end > other;
}

function covers(intervals: readonly Interval[], { start, end }: Interval): boolean {
  const at = lastFrom(intervals, start);
  if (at === undefined) return false;
  return !isBeyond(end !== undefined && end <= start ? `${start}\0` : end, at.end);
}

/** The last interval that begins at the key or before it, found by halves. */
function lastFrom(intervals: readonly Interval[], key: string): Interval | undefined {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (intervals[middle]!.start <= key) low = middle + 1;
    else high = middle;
  }
  return intervals[low - 1];
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
