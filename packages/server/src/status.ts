/**
 * What a call is answered with when it fails: etcd's codes and texts, all of them here.
 *
 * SVST1  Clients compare texts, so a text is a contract, to the letter (spec server-api.md 3).
 * SVST2  What has no text of etcd's goes out as UNKNOWN with its own.
 *
 * etcd: api/v3rpc/rpctypes/error.go, server/etcdserver/api/v3rpc/util.go.
 */
import { status } from '@grpc/grpc-js';

/** A call has failed, and its client is told so. */
export class StatusError extends Error {
  readonly status: number;

  constructor(code: number, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'StatusError';
    this.status = code;
  }
}

/** Why a call is over whose client is not there any more. One for all: a reason made for each took a sixteenth of a range. */
export const clientGone: StatusError = new StatusError(status.CANCELLED, 'the client has gone');

/** What a server of gRPC refuses by itself, in the words of Go's. */
export const refusals: {
  deadline(): StatusError;
  messageTooLarge(bytes: number, most: number): StatusError;
  encoding(name: string): StatusError;
} = Object.freeze({
  deadline: () => new StatusError(status.DEADLINE_EXCEEDED, 'context deadline exceeded'),
  messageTooLarge: (bytes: number, most: number) =>
    new StatusError(status.RESOURCE_EXHAUSTED, `grpc: received message larger than max (${bytes} vs. ${most})`),
  encoding: (name: string) =>
    new StatusError(status.UNIMPLEMENTED, `grpc: Decompressor is not installed for grpc-encoding "${name}"`),
});

type Fail = () => StatusError;

function fail(code: number, text: string): Fail {
  return () => new StatusError(code, text);
}

const invalid = (text: string): Fail => fail(status.INVALID_ARGUMENT, `etcdserver: ${text}`);
const precondition = (text: string): Fail => fail(status.FAILED_PRECONDITION, `etcdserver: ${text}`);

export const failures: {
  readonly emptyKey: Fail;
  readonly keyNotFound: Fail;
  readonly valueProvided: Fail;
  readonly leaseProvided: Fail;
  readonly tooManyOps: Fail;
  readonly duplicateKey: Fail;
  readonly invalidSort: Fail;
  readonly requestTooLarge: Fail;
  readonly memberBadUrls: Fail;
  readonly badDowngradeVersion: Fail;
  readonly invalidDowngradeTarget: Fail;
  readonly noDowngrade: Fail;
  readonly compacted: Fail;
  readonly futureRevision: Fail;
  readonly noSpace: Fail;
  readonly corrupt: Fail;
  readonly leaseNotFound: Fail;
  readonly leaseExists: Fail;
  readonly leaseTtlTooLarge: Fail;
  readonly peerUrlExists: Fail;
  readonly memberNotFound: Fail;
  readonly memberNotLearner: Fail;
  readonly notEnoughStarted: Fail;
  readonly badTransferee: Fail;
  readonly tooManyRequests: Fail;
  readonly stopped: Fail;
  readonly watchCanceled: Fail;
  readonly rangeStreamSort: Fail;
  readonly rangeStreamFilter: Fail;
  readonly unknownService: Fail;
  readonly rootUserMissing: Fail;
  readonly rootRoleMissing: Fail;
  readonly userExists: Fail;
  readonly userEmpty: Fail;
  readonly userNotFound: Fail;
  readonly roleExists: Fail;
  readonly roleEmpty: Fail;
  readonly roleNotFound: Fail;
  readonly authenticationFailed: Fail;
  readonly noPasswordUser: Fail;
  readonly passwordTooLong: Fail;
  readonly permissionNotGiven: Fail;
  readonly permissionDenied: Fail;
  readonly roleNotGranted: Fail;
  readonly permissionNotGranted: Fail;
  readonly authNotEnabled: Fail;
  readonly invalidToken: Fail;
  readonly invalidManagement: Fail;
  readonly oldRevision: Fail;
  readonly verifyOnly: Fail;
  readonly tooManyPasswords: Fail;
} = Object.freeze({
  emptyKey: invalid('key is not provided'),
  keyNotFound: invalid('key not found'),
  valueProvided: invalid('value is provided'),
  leaseProvided: invalid('lease is provided'),
  tooManyOps: invalid('too many operations in txn request'),
  duplicateKey: invalid('duplicate key given in txn request'),
  invalidSort: invalid('invalid sort option'),
  requestTooLarge: invalid('request is too large'),
  memberBadUrls: invalid('given member URLs are invalid'),
  badDowngradeVersion: invalid('wrong downgrade target version format'),
  invalidDowngradeTarget: invalid('invalid downgrade target version'),
  noDowngrade: precondition('no inflight downgrade job'),
  compacted: fail(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'),
  futureRevision: fail(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision'),
  noSpace: fail(status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded'),
  corrupt: fail(status.DATA_LOSS, 'etcdserver: corrupt cluster'),
  leaseNotFound: fail(status.NOT_FOUND, 'etcdserver: requested lease not found'),
  leaseExists: precondition('lease already exists'),
  leaseTtlTooLarge: fail(status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'),
  peerUrlExists: precondition('Peer URLs already exists'),
  memberNotFound: fail(status.NOT_FOUND, 'etcdserver: member not found'),
  memberNotLearner: precondition('can only promote a learner member'),
  notEnoughStarted: fail(status.UNKNOWN, 'etcdserver: re-configuration failed due to not enough started members'),
  badTransferee: precondition('bad leader transferee'),
  tooManyRequests: fail(status.UNKNOWN, 'etcdserver: too many requests'),
  stopped: fail(status.UNAVAILABLE, 'etcdserver: server stopped'),
  watchCanceled: fail(status.CANCELLED, 'etcdserver: watch canceled'),
  rangeStreamSort: fail(status.UNIMPLEMENTED, 'RangeStream does not support custom sort orders'),
  rangeStreamFilter: fail(status.UNIMPLEMENTED, 'RangeStream does not support revision filters'),
  unknownService: fail(status.NOT_FOUND, 'unknown service'),
  rootUserMissing: precondition('root user does not exist'),
  rootRoleMissing: precondition('root user does not have root role'),
  userExists: precondition('user name already exists'),
  userEmpty: invalid('user name is empty'),
  userNotFound: precondition('user name not found'),
  roleExists: precondition('role name already exists'),
  roleEmpty: invalid('role name is empty'),
  roleNotFound: precondition('role name not found'),
  authenticationFailed: invalid('authentication failed, invalid user ID or password'),
  noPasswordUser: fail(status.UNKNOWN, 'auth: authentication failed, password was given for no password user'),
  passwordTooLong: fail(status.UNKNOWN, 'bcrypt: password length exceeds 72 bytes'),
  permissionNotGiven: invalid('permission not given'),
  permissionDenied: fail(status.PERMISSION_DENIED, 'etcdserver: permission denied'),
  roleNotGranted: precondition('role is not granted to the user'),
  permissionNotGranted: precondition('permission is not granted to the role'),
  authNotEnabled: precondition('authentication is not enabled'),
  invalidToken: fail(status.UNAUTHENTICATED, 'etcdserver: invalid auth token'),
  invalidManagement: invalid('invalid auth management'),
  oldRevision: invalid('revision of auth store is old'),
  tooManyPasswords: fail(status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests'),
  verifyOnly: fail(status.UNKNOWN, 'auth: token signing attempted with verify-only key'),
});

/** Reasons that a watcher was not made, as its `cancel_reason`. */
export const watchReasons: { readonly emptyRange: string; readonly duplicateId: string; readonly compacted: string } =
  Object.freeze({
    emptyRange: 'mvcc: watcher range is empty',
    duplicateId: 'mvcc: duplicate watch ID provided on the WatchStream',
    compacted: failures.compacted().message,
  });

/** Go's text for a status, which is what etcd gives as the reason of a watcher that its client may not have. */
export function goText(error: StatusError): string {
  const name = status[error.status] ?? '';
  const words = name.split('_').map((word) => word.slice(0, 1) + word.slice(1).toLowerCase());
  return `rpc error: code = ${words.join('')} desc = ${error.message}`;
}

/** What the layers' codes are on the wire. */
const byCode: ReadonlyMap<string, Fail> = new Map([
  ['MVCC_COMPACTED', failures.compacted],
  ['MVCC_FUTURE_REVISION', failures.futureRevision],
  // A deletion of more keys than the store was opened for; etcd has no such bound.
  ['MVCC_TOO_LARGE', failures.requestTooLarge],
  ['MVCC_CLOSED', failures.stopped],
  ['WATCH_CLOSED', failures.stopped],
  ['BACKEND_CLOSED', failures.stopped],
  // A commit has failed: nothing can be written until the store is opened anew (R91).
  ['BACKEND_FAILED', failures.stopped],
  ['LEASE_CLOSED', failures.stopped],
  // One member is always the leader: its lessor is demoted only when it closes.
  ['LEASE_NOT_PRIMARY', failures.stopped],
  ['LEASE_NOT_FOUND', failures.leaseNotFound],
  ['LEASE_EXISTS', failures.leaseExists],
  ['LEASE_TTL_TOO_LARGE', failures.leaseTtlTooLarge],
]);

/** The code of an error of any of our packages. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whatever was thrown, as grpc-js sends it. */
export function toStatus(error: unknown): { readonly code: number; readonly details: string } {
  if (error instanceof StatusError) return { code: error.status, details: error.message };
  const known = byCode.get(codeOf(error) ?? '');
  if (known !== undefined) return toStatus(known());
  return { code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}
