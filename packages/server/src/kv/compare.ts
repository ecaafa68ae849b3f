/**
 * Comparisons of a transaction.
 *
 * SVCP1  Over a range it must hold for every key; a range without keys is like a missing key (S88, S89).
 * SVCP2  A missing key has version, revisions and lease 0, and no value: every comparison of values fails (S83, S84).
 * SVCP3  An operand of another target, or none, is 0 or empty (S85, S86). An unknown result holds; an unknown target is equal.
 * SVCP4  Values and leases are in records, everything else in the index: a record is read only for those.
 *
 * etcd: server/etcdserver/txn/txn.go, applyCompare (spec server-api.md 5.5).
 */
import { Compare_CompareResult as Result, Compare_CompareTarget as Target, type Compare } from '@varve/etcd-api';
import type { KeyValue } from '@varve/watch';

const NO_BYTES = new Uint8Array(0);

interface Needed {
  readonly keyOnly: boolean;
  readonly keysOnly: boolean;
}

const KEYS: Needed = Object.freeze({ keyOnly: true, keysOnly: true });
const RECORDS: Needed = Object.freeze({ keyOnly: false, keysOnly: false });

/** What of the keys a comparison looks at: the index alone knows revisions and versions (SVCP4). */
export function neededFor({ target }: Compare): Needed {
  return target === Target.VALUE || target === Target.LEASE ? RECORDS : KEYS;
}

/** @param kvs what is live of the comparison's range */
export function holds(compare: Compare, kvs: readonly KeyValue[]): boolean {
  if (kvs.length === 0) return compare.target !== Target.VALUE && holdsFor(compare, undefined);
  return kvs.every((kv) => holdsFor(compare, kv));
}

function holdsFor(compare: Compare, kv: KeyValue | undefined): boolean {
  const order = orderOf(compare, kv);
  switch (compare.result) {
    case Result.EQUAL:
      return order === 0;
    case Result.NOT_EQUAL:
      return order !== 0;
    case Result.GREATER:
      return order > 0;
    case Result.LESS:
      return order < 0;
    default:
      return true;
  }
}

/** Negative, 0, positive: what there is, against what is asked for. */
function orderOf({ target, targetUnion: asked }: Compare, kv: KeyValue | undefined): number {
  switch (target) {
    case Target.VERSION:
      return numbers(kv?.version ?? 0, asked.case === 'version' ? asked.value : 0n);
    case Target.CREATE:
      return numbers(kv?.createRevision ?? 0, asked.case === 'createRevision' ? asked.value : 0n);
    case Target.MOD:
      return numbers(kv?.modRevision ?? 0, asked.case === 'modRevision' ? asked.value : 0n);
    case Target.LEASE:
      return numbers(kv?.lease ?? 0n, asked.case === 'lease' ? asked.value : 0n);
    case Target.VALUE:
      return Buffer.compare(kv?.value ?? NO_BYTES, asked.case === 'value' ? asked.value : NO_BYTES);
    default:
      return 0;
  }
}

function numbers(actual: number | bigint, asked: bigint): number {
  return actual < asked ? -1 : actual > asked ? 1 : 0;
}
