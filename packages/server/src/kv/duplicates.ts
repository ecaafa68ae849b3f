/**
 * Keys that one transaction gives twice: put twice, or put and deleted.
 *
 *     [delete a..c, put b]            refused          [txn{put k}, txn{delete k}]     accepted
 *     [txn{delete k}, txn{put k}]     refused          then/else of one txn{put k}     accepted
 *
 * SVDU1  A deletion "from the key on" is the literal interval [key, 0x00), which is empty: it hits nothing. So it is in etcd, and
 *     clients rely on it (S72, S73).
 * SVDU2  What both branches of a nested transaction put is put once (S68).
 *
 * etcd: server/etcdserver/api/v3rpc/key.go, checkIntervals (spec server-api.md 5.5).
 */
import type { RequestOp, TxnRequest } from '@varve/etcd-api';
import { failures } from '../status.ts';

/** Keys as latin1 text, which has their order. */
interface Touched {
  readonly puts: Set<string>;
  readonly deletes: Interval[];
}

interface Interval {
  readonly start: string;
  /** `undefined`: the one key. */
  readonly end: string | undefined;
}

/** @throws StatusError */
export function checkDuplicates({ success, failure }: TxnRequest): void {
  touchedBy(success);
  touchedBy(failure);
}

function touchedBy(ops: readonly RequestOp[]): Touched {
  const puts = new Set<string>();
  const deletes: Interval[] = [];
  for (const { request } of ops) {
    if (request.case !== 'requestDeleteRange') continue;
    const { key, rangeEnd } = request.value;
    deletes.push({ start: text(key), end: rangeEnd.length === 0 ? undefined : text(rangeEnd) });
  }
  for (const { request } of ops) {
    if (request.case === 'requestTxn') addNested(puts, deletes, request.value);
  }
  for (const { request } of ops) {
    if (request.case === 'requestPut') addPut(puts, deletes, text(request.value.key));
  }
  return { puts, deletes };
}

function addNested(puts: Set<string>, deletes: Interval[], { success, failure }: TxnRequest): void {
  const taken = touchedBy(success);
  const other = touchedBy(failure);
  for (const key of taken.puts) addPut(puts, deletes, key);
  for (const key of other.puts) {
    if (taken.puts.has(key)) checkHit(deletes, key);
    else addPut(puts, deletes, key);
  }
  for (const interval of taken.deletes) deletes.push(interval);
  for (const interval of other.deletes) deletes.push(interval);
}

function addPut(puts: Set<string>, deletes: readonly Interval[], key: string): void {
  if (puts.has(key)) throw failures.duplicateKey();
  checkHit(deletes, key);
  puts.add(key);
}

function checkHit(deletes: readonly Interval[], key: string): void {
  for (const { start, end } of deletes) {
    if (key === start ? end === undefined || end > start : end !== undefined && key > start && key < end) {
      throw failures.duplicateKey();
    }
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
