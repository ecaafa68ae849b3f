/**
 * What each request needs: rights to the keys that it names, and to those that hang on the lease that it names.
 *
 * SVPM1  Both branches of a transaction count, and what is nested in them: what is not taken would tell by its absence (S175, S176).
 * SVPM2  A lease ends with its keys: who ties a key to one, keeps one alive or revokes one needs to write all keys that it has
 *     already (S177).
 *
 * etcd: server/etcdserver/apply/apply_auth.go (spec server-api.md 10.2). Departs: a put inside a transaction needs what it needs
 * by itself.
 */
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from '@varve/etcd-api';
import type { Lessor } from '../layers.ts';
import { failures } from '../status.ts';
import type { Grants } from './grants.ts';

const NO_BYTES = new Uint8Array(0);

/** What the caller may do; undefined: everything. */
type Rights = Grants | undefined;

/** @throws StatusError, as all of these */
export function permitRange(rights: Rights, { key, rangeEnd }: Pick<RangeRequest, 'key' | 'rangeEnd'>): void {
  if (rights !== undefined && !rights.mayRead(key, rangeEnd)) throw failures.permissionDenied();
}

export function permitPut(rights: Rights, { key, lease, prevKv }: PutRequest, lessor: Lessor | undefined): void {
  if (rights === undefined) return;
  if (!rights.mayWrite(key, NO_BYTES)) throw failures.permissionDenied();
  if (prevKv && !rights.mayRead(key, NO_BYTES)) throw failures.permissionDenied();
  if (lease !== 0n) permitLease(rights, lease, lessor, 'write');
}

export function permitDelete(rights: Rights, { key, rangeEnd, prevKv }: DeleteRangeRequest): void {
  if (rights === undefined) return;
  if (!rights.mayWrite(key, rangeEnd)) throw failures.permissionDenied();
  if (prevKv && !rights.mayRead(key, rangeEnd)) throw failures.permissionDenied();
}

export function permitTxn(rights: Rights, { compare, success, failure }: TxnRequest, lessor: Lessor | undefined): void {
  if (rights === undefined) return;
  for (const one of compare) permitRange(rights, one);
  for (const op of success) permitOp(rights, op, lessor);
  for (const op of failure) permitOp(rights, op, lessor);
}

function permitOp(rights: Rights, { request }: RequestOp, lessor: Lessor | undefined): void {
  if (request.case === 'requestRange') permitRange(rights, request.value);
  else if (request.case === 'requestPut') permitPut(rights, request.value, lessor);
  else if (request.case === 'requestDeleteRange') permitDelete(rights, request.value);
  else if (request.case === 'requestTxn') permitTxn(rights, request.value, lessor);
}

/** All keys of a lease; one that there is not has none. */
export function permitLease(rights: Rights, lease: bigint, lessor: Lessor | undefined, to: 'read' | 'write'): void {
  if (rights === undefined || lessor?.lookup(lease) === undefined) return;
  for (const key of lessor.keys(lease)) {
    const may = to === 'read' ? rights.mayRead(key, NO_BYTES) : rights.mayWrite(key, NO_BYTES);
    if (!may) throw failures.permissionDenied();
  }
}
