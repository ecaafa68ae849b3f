/** VDC1, VDC2: what each failure of a call means, and the code it has. */
import { status } from '@grpc/grpc-js';
import { kvCodes } from '@varve/api';
import { expect, test } from 'vitest';
import { isLasting, verdictOf } from '../src/channel/verdict.ts';
import { keepsDeletions, tellsTrueProgress } from '../src/watch/versions.ts';

const told = (code: number, details: string): string => {
  const verdict = verdictOf({ code, details });
  return 'error' in verdict ? `${verdict.kind} ${verdict.error.code}` : verdict.kind;
};

test.each([
  [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted', 'refused MVCC_COMPACTED'],
  [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision', 'refused MVCC_FUTURE_REVISION'],
  [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', 'refused KV_NO_SPACE'],
  [status.NOT_FOUND, 'etcdserver: requested lease not found', 'refused LEASE_NOT_FOUND'],
  [status.FAILED_PRECONDITION, 'etcdserver: lease already exists', 'refused LEASE_EXISTS'],
  [status.OUT_OF_RANGE, 'etcdserver: too large lease TTL', 'refused LEASE_TTL_TOO_LARGE'],
  [status.INVALID_ARGUMENT, 'etcdserver: request is too large', 'refused KV_TOO_LARGE'],
  [status.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (9 vs. 2097152)', 'refused KV_TOO_LARGE'],
  [status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request', 'refused KV_TOO_LARGE'],
  [status.INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request', 'refused KV_DUPLICATE_KEY'],
  [status.PERMISSION_DENIED, 'etcdserver: permission denied', 'refused KV_DENIED'],
  [status.INVALID_ARGUMENT, 'etcdserver: authentication failed, invalid user ID or password', 'refused KV_DENIED'],
  [status.FAILED_PRECONDITION, 'etcdserver: authentication is not enabled', 'refused KV_DENIED'],
  [status.UNAUTHENTICATED, 'etcdserver: invalid auth token', 'token KV_DENIED'],
  [status.INVALID_ARGUMENT, 'etcdserver: revision of auth store is old', 'token KV_DENIED'],
  [status.INVALID_ARGUMENT, 'etcdserver: user name is empty', 'token KV_DENIED'],
  [status.DATA_LOSS, 'etcdserver: corrupt cluster', 'refused BACKEND_CORRUPT'],
  [status.UNIMPLEMENTED, 'unknown method X', 'refused KV_UNSUPPORTED'],
  [status.UNKNOWN, 'etcdserver: too many requests', 'undone'],
  [status.UNAVAILABLE, 'etcdserver: no leader', 'undone'],
  [status.UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED', 'undone'],
  [status.UNAVAILABLE, 'etcdserver: request timed out', 'lost'],
  [status.UNAVAILABLE, 'etcdserver: leader changed', 'lost'],
  [status.UNAVAILABLE, 'etcdserver: server stopped', 'lost'],
  [status.UNAVAILABLE, 'Connection dropped', 'lost'],
  [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'lost'],
  [status.CANCELLED, 'etcdserver: request canceled', 'lost'],
  [status.UNKNOWN, 'raft proposal dropped', 'undone'],
  [status.UNKNOWN, 'something else', 'lost'],
  [status.INVALID_ARGUMENT, 'something else', 'refused KV_REMOTE'],
])('VDC1: %i %s is %s', (code, details, wanted) => {
  expect(told(code, details)).toBe(wanted);
});

test('VDC2: every code of gRPC has a place, and what has a code has one of the closed set', () => {
  const codes = Object.values(status).filter((code) => typeof code === 'number' && code !== status.OK);
  expect(codes.length).toBe(16);
  for (const code of codes) {
    const verdict = verdictOf({ code, details: 'words that etcd does not use' });
    if ('error' in verdict) expect(kvCodes).toContain(verdict.error.code);
  }
});

test('VDC1: what is said ends where grpc-js has nothing more to say', () => {
  const said = (details: string): unknown => verdictOf({ code: status.UNAVAILABLE, details });
  expect(said('No connection established. Last error: connect ECONNREFUSED. Resolution note: ')).toEqual({
    kind: 'undone',
    said: 'No connection established. Last error: connect ECONNREFUSED',
  });
  expect(said('No connection established. Resolution note: no such host')).toMatchObject({
    said: 'No connection established. Resolution note: no such host',
  });
});

test('VDC2: what does not pass by waiting is told from what may', () => {
  expect(isLasting('Last error: certificate has expired')).toBe(true);
  expect(isLasting('Last error: connect ECONNREFUSED 127.0.0.1:1')).toBe(false);
});

test.each([
  ['3.4.23', false],
  ['3.4.27', true],
  ['3.5.9', false],
  ['3.5.10', true],
  ['3.3.9', false],
  ['3.6.0', true],
  ['4.0.0', true],
  ['unknown', false],
])('TPR1: %s', (version, wanted) => {
  expect(tellsTrueProgress(version)).toBe(wanted);
});

test.each([
  ['3.4.33', false],
  ['3.4.34', true],
  ['3.5.15', false],
  ['3.5.16', true],
  ['3.6.0', true],
])('TPR2: %s', (version, wanted) => {
  expect(keepsDeletions(version)).toBe(wanted);
});
