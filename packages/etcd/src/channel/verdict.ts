/**
 * What the failure of a call means: whether it may be made again, whether it may have been done, and the code it has here.
 *
 * VDC1  `undone` is said only of what was surely not carried out: the call never left, or the member refused it before it did anything.
 *     Everything else that is not an answer is `lost`: a write may have been done, and may still be.
 * VDC2  etcd's texts are its contract, so they are looked at before the codes of gRPC. Every code has its place: none comes out raw.
 *
 * etcd: api/v3rpc/rpctypes and clientv3/retry.go (spec server-api 3). Departs: a write that timed out at the member is lost, and is said to be.
 */
import { status } from '@grpc/grpc-js';
import { KvError, type KvCode, type KvErrorFacts } from '@varve/api';

export type Verdict =
  /** The token is of no use any more; nothing was done. */
  | { readonly kind: 'token'; readonly error: KvError }
  /** Not done; another member, or a later moment, may do it. */
  | { readonly kind: 'undone'; readonly said: string }
  /** No answer. */
  | { readonly kind: 'lost'; readonly said: string }
  /** An answer: no. */
  | { readonly kind: 'refused'; readonly error: KvError };

/** What etcd takes in one request, and in one transaction, unless it was told otherwise. */
const serverRequestBytes = 1_572_864;
export const serverTxnOps = 128;

type Row = readonly [text: string | RegExp, code: KvCode, message: string, facts?: KvErrorFacts];

const refusals: readonly Row[] = [
  ['required revision has been compacted', 'MVCC_COMPACTED', 'the revision is compacted'],
  ['required revision is a future revision', 'MVCC_FUTURE_REVISION', 'the revision does not exist yet'],
  [
    'requested lease not found',
    'LEASE_NOT_FOUND',
    'there is no such lease: it was never granted, was revoked, or has run out',
  ],
  ['lease already exists', 'LEASE_EXISTS', 'there is a lease of that id already'],
  ['too large lease TTL', 'LEASE_TTL_TOO_LARGE', 'the ttl is larger than the cluster allows'],
  [
    // Said by etcd, and by the gRPC of it.
    /request is too large|larger than max/,
    'KV_TOO_LARGE',
    `the request is larger than the cluster takes, ${serverRequestBytes} bytes unless its --max-request-bytes says otherwise: store less, or in parts`,
    { limit: serverRequestBytes },
  ],
  [
    'too many operations in txn request',
    'KV_TOO_LARGE',
    `the transaction has more operations or conditions than the cluster takes, ${serverTxnOps} unless its --max-txn-ops says otherwise: split it`,
    { limit: serverTxnOps },
  ],
  ['duplicate key given in txn request', 'KV_DUPLICATE_KEY', 'the transaction changes a key twice'],
  [
    'database space exceeded',
    'KV_NO_SPACE',
    'the quota of the cluster is used up; compact, delete, defragment, and disarm the alarm NOSPACE. A write that came at the very moment may have been done: read before you write it again',
  ],
  [
    'corrupt cluster',
    'BACKEND_CORRUPT',
    'the cluster has found its members to differ (alarm CORRUPT), and takes no writes',
  ],
  [
    'watcher range is empty',
    'WATCH_EMPTY_RANGE',
    'the range holds no key: its end is at or before its start; give a later end',
  ],
  ['permission denied', 'KV_DENIED', 'the user may not do that; have the permission granted to a role of the user'],
  ['authentication failed', 'KV_DENIED', 'the user or the password is wrong'],
  [
    'authentication is not enabled',
    'KV_DENIED',
    'the cluster has no users: leave the option auth out, or enable them there',
  ],
  ['user name not found', 'KV_DENIED', 'there is no such user'],
];

const worn: readonly string[] = ['user name is empty', 'invalid auth token', 'revision of auth store is old'];

/** Said by a member before it does anything, or by grpc-js before it sends anything. */
const neverBegun: readonly string[] = [
  'etcdserver: no leader',
  'etcdserver: not capable',
  'etcdserver: rpc not supported for learner',
  'etcdserver: too many requests',
  'raft proposal dropped',
  'No connection established',
  'Name resolution failed',
  'Failed to connect to all addresses',
];

const lostCodes: ReadonlySet<number> = new Set<number>([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
  status.ABORTED,
  // What etcd has no code for, in its own words: nobody knows how far it got.
  status.UNKNOWN,
]);

/** @param error as grpc-js gives it */
export function verdictOf(error: unknown): Verdict {
  const { code, details = String(error) } = error as { readonly code?: number; readonly details?: string };
  for (const [text, ours, message, facts] of refusals) {
    if (typeof text === 'string' ? details.includes(text) : text.test(details))
      return { kind: 'refused', error: new KvError(ours, message, { ...facts, cause: error }) };
  }
  if (code === status.UNAUTHENTICATED || worn.some((text) => details.includes(text))) {
    const message =
      'the cluster wants to know who asks: give user and password as the option auth, or a client certificate';
    return { kind: 'token', error: new KvError('KV_DENIED', message, { cause: error }) };
  }
  if (neverBegun.some((text) => details.includes(text))) return { kind: 'undone', said: wordsOf(details) };
  if (code !== undefined && lostCodes.has(code)) return { kind: 'lost', said: wordsOf(details) };
  return { kind: 'refused', error: refusalOf(code, details, error) };
}

/** Without the head of a note that grpc-js then does not have. */
function wordsOf(details: string): string {
  return details.replace(/\.? Resolution note: *$/, '');
}

/** True when what the connection failed by does not pass by waiting: certificates, or TLS against none. */
export function isLasting(said: string): boolean {
  return /certificate|altnames|self[- ]signed|SSL routines|ssl3_|tls_/i.test(said);
}

function refusalOf(code: number | undefined, details: string, cause: unknown): KvError {
  if (code === status.PERMISSION_DENIED) return new KvError('KV_DENIED', `the cluster refuses: ${details}`, { cause });
  if (code === status.UNIMPLEMENTED) {
    return new KvError('KV_UNSUPPORTED', `the cluster does not know this call: ${details}`, { cause });
  }
  if (code === status.RESOURCE_EXHAUSTED)
    return new KvError('KV_TOO_LARGE', `the cluster refuses what is so large: ${details}`, { cause });
  if (code === status.DATA_LOSS) return new KvError('BACKEND_CORRUPT', `the cluster is damaged: ${details}`, { cause });
  return new KvError('KV_REMOTE', `the cluster has failed: ${details}`, { cause });
}
