/**
 * Flags that came with etcd 3.5 and 3.6, so that a unit or a chart for them starts this, too.
 *
 * ENF1  As with the others, the flags for the security of clients are done or refused (EFL1). A list in the tests says which there are.
 * ENF2  etcd 3.5 and 3.6 have dropped `experimental-` from some names; both are one flag.
 */
import { refused, without, type Flag } from './flag.ts';

const ONE = 'there is one member, which needs no others';
const NOBODY = 'there is nobody to find: one member';
const NO_LOG = 'there is no write-ahead log';
const NO_TRACES = 'there are no traces';
const BY_ITSELF = 'it is done when others can wait';

/** Names of 3.5 and 3.6, and what they were in 3.4. */
export const renamed: ReadonlyMap<string, string> = new Map(
  [
    'backend-bbolt-freelist-type',
    'compaction-batch-limit',
    'corrupt-check-time',
    'peer-skip-client-san-verification',
    'watch-progress-notify-interval',
    'warning-apply-duration',
  ].map((name) => [name, `experimental-${name}`]),
);

const both: Readonly<Record<string, Flag>> = {
  'bootstrap-defrag-threshold-megabytes': without('number', '0', 'defragmentation is asked for with etcdctl'),
  'compact-hash-check-enabled': without('switch', 'false', 'there is nobody to compare with'),
  'compact-hash-check-time': without('duration', '1m', 'there is nobody to compare with'),
  'compaction-sleep-interval': without('duration', '10ms', BY_ITSELF),
  'distributed-tracing-address': without('text', 'localhost:4317', NO_TRACES),
  'distributed-tracing-instance-id': without('text', '', NO_TRACES),
  'distributed-tracing-sampling-rate': without('number', '0', NO_TRACES),
  'distributed-tracing-service-name': without('text', 'etcd', NO_TRACES),
  'downgrade-check-time': without('duration', '5s', ONE),
  'enable-distributed-tracing': refused('switch', 'false', NO_TRACES),
  'max-learners': without('number', '1', ONE),
  'memory-mlock': without('switch', 'false', 'memory is not locked'),
  'set-member-localaddr': without('switch', 'false', ONE),
  'snapshot-catchup-entries': without('number', '5000', NO_LOG),
  'stop-grpc-service-on-defrag': without('switch', 'false', 'others are answered during a defragmentation'),
  'txn-mode-write-with-shared-buffer': without(
    'switch',
    'true',
    'transactions that only read wait for none that write',
  ),
  'wait-cluster-ready-timeout': without('duration', '5s', ONE),
  'warning-unary-request-duration': without('duration', '300ms', 'see --experimental-warning-apply-duration'),
};

export const newer: Readonly<Record<string, Flag>> = {
  'client-cert-file': refused('text', '', 'nothing here calls itself'),
  'client-key-file': refused('text', '', 'nothing here calls itself'),
  'discovery-cacert': refused('text', '', NOBODY),
  'discovery-cert': refused('text', '', NOBODY),
  'discovery-dial-timeout': refused('duration', '2s', NOBODY),
  'discovery-endpoints': refused('text', '', NOBODY),
  'discovery-insecure-skip-tls-verify': refused('switch', 'false', NOBODY),
  'discovery-insecure-transport': refused('switch', 'true', NOBODY),
  'discovery-keepalive-time': refused('duration', '2s', NOBODY),
  'discovery-keepalive-timeout': refused('duration', '6s', NOBODY),
  'discovery-key': refused('text', '', NOBODY),
  'discovery-password': refused('text', '', NOBODY),
  'discovery-request-timeout': refused('duration', '5s', NOBODY),
  'discovery-token': refused('text', '', NOBODY),
  'discovery-user': refused('text', '', NOBODY),
  'enable-log-rotation': refused('switch', 'false', 'files of logs are not rotated: let logrotate do it'),
  'feature-gates': without('text', '', 'there are none'),
  'listen-client-http-urls': refused('urls', '', 'everything is served at --listen-client-urls'),
  'log-format': without('text', 'json', '--logger decides'),
  'log-rotation-config-json': without('text', '', 'files of logs are not rotated'),
  'peer-client-cert-file': without('text', '', 'no peers are listened to'),
  'peer-client-key-file': without('text', '', 'no peers are listened to'),
  'raft-read-timeout': without('duration', '5s', ONE),
  'raft-write-timeout': without('duration', '5s', ONE),
  'self-signed-cert-validity': refused('number', '1', 'the certificate of --auto-tls lasts a year'),
  'socket-reuse-address': without('switch', 'false', 'the address is taken as Node takes it'),
  'socket-reuse-port': refused('switch', 'false', 'one process has the port'),
  'tls-max-version': refused('text', '', 'TLS 1.2 and 1.3 are spoken'),
  'tls-min-version': refused('text', 'TLS1.2', 'TLS 1.2 and 1.3 are spoken'),
  'v2-deprecation': without('text', 'not-yet', 'etcd 2 is not served'),
  ...both,
  ...Object.fromEntries(Object.entries(both).map(([name, flag]) => [`experimental-${name}`, flag])),
};
