/**
 * Every flag of etcd 3.4 (newer ones are in newer-flags.ts), and what becomes of it here. `varve-etcd --help` is made of this table.
 *
 * EFL1  No flag of etcd 3.4 is unknown. It is done; or it has no effect on a cluster of one member, which the log says once where somebody
 *     gives it; or it asks for what is not there, and the program ends before it has touched anything. The flags for the security of
 *     clients are done or refused; those for peers have no effect, because there are none.
 * EFL2  Defaults are etcd's. Two of them mean less here: without `--cors` no web page may call, and without `--host-whitelist`, on a
 *     loopback address and without TLS, only names of this machine are answered.
 *
 * etcd: etcdmain/help.go, etcdmain/config.go.
 */
import { done, refused, without, type Flag } from './flag.ts';
import { newer } from './newer-flags.ts';

/** The flags whose values somebody reads. */
export type ReadFlag =
  | 'name'
  | 'data-dir'
  | 'heartbeat-interval'
  | 'election-timeout'
  | 'listen-peer-urls'
  | 'listen-client-urls'
  | 'listen-metrics-urls'
  | 'quota-backend-bytes'
  | 'max-txn-ops'
  | 'max-request-bytes'
  | 'max-concurrent-streams'
  | 'grpc-keepalive-min-time'
  | 'grpc-keepalive-interval'
  | 'grpc-keepalive-timeout'
  | 'initial-advertise-peer-urls'
  | 'initial-cluster'
  | 'initial-cluster-state'
  | 'initial-cluster-token'
  | 'advertise-client-urls'
  | 'auto-compaction-retention'
  | 'auto-compaction-mode'
  | 'cert-file'
  | 'key-file'
  | 'client-cert-auth'
  | 'client-crl-file'
  | 'client-cert-allowed-hostname'
  | 'trusted-ca-file'
  | 'auto-tls'
  | 'cipher-suites'
  | 'cors'
  | 'host-whitelist'
  | 'auth-token'
  | 'auth-token-ttl'
  | 'bcrypt-cost'
  | 'logger'
  | 'log-outputs'
  | 'log-level'
  | 'debug'
  | 'log-output'
  | 'experimental-watch-progress-notify-interval'
  | 'experimental-warning-apply-duration'
  | 'config-file'
  | 'version';

/** What was given, or its default, as text; for every flag that there is. */
export type Values = Readonly<Record<ReadFlag, string>> & Readonly<Record<string, string | undefined>>;

type Group = Readonly<Record<string, Flag>>;

const ONE = 'there is one member, which needs no others';
const NO_PEERS = 'no peers are listened to';
const NO_LOG = 'there is no write-ahead log beside the database: each write is in it when it is answered';
const NO_V2 = 'etcd 2 is not served: migrate to v3, or stay with etcd';
const NO_DISCOVERY = 'there is nobody to find: one member';
const NO_PROXY = 'there is no proxy for v2';

const member: Group = {
  name: done('text', 'default', 'name of the member'),
  'data-dir': done('text', '', "folder of the data; the database is its member/snap/db (the name and '.etcd')"),
  'wal-dir': without('text', '', NO_LOG),
  'snapshot-count': without('number', '100000', NO_LOG),
  'heartbeat-interval': without('number', '100', ONE),
  'election-timeout': without('number', '1000', ONE),
  'initial-election-tick-advance': without('switch', 'true', ONE),
  'listen-peer-urls': without('urls', 'http://localhost:2380', NO_PEERS),
  'listen-client-urls': done('urls', 'http://localhost:2379', 'where clients find it'),
  'max-snapshots': without('number', '5', NO_LOG),
  'max-wals': without('number', '5', NO_LOG),
  'quota-backend-bytes': done('number', '0', 'size of the database from which on writes are refused (0: 2 GiB)'),
  'backend-batch-interval': without('duration', '', 'writes are committed when they come'),
  'backend-batch-limit': without('number', '0', 'writes are committed when they come'),
  'max-txn-ops': done('number', '128', 'operations in one list of a transaction'),
  'max-request-bytes': done('number', '1572864', 'largest write'),
  'max-concurrent-streams': done('number', '4294967295', 'calls at once on one connection'),
  'grpc-keepalive-min-time': done('duration', '5s', 'pings of a client that come closer are counted against it'),
  'grpc-keepalive-interval': done('duration', '2h', 'how often a silent client is asked whether it is there'),
  'grpc-keepalive-timeout': done('duration', '20s', 'how long its answer may take'),
};

const clustering: Group = {
  'initial-advertise-peer-urls': done('urls', 'http://localhost:2380', 'what the member list calls its peer address'),
  'initial-cluster': done('text', '', 'this member, and no other (its name and peer address)'),
  'initial-cluster-state': done('text', 'new', "'new', or 'existing' where the data are there"),
  'initial-cluster-token': done('text', 'etcd-cluster', 'the ids of a new cluster follow from it and the peer address'),
  'advertise-client-urls': done('urls', 'http://localhost:2379', 'where clients are told to find it'),
  discovery: refused('text', '', NO_DISCOVERY),
  'discovery-fallback': without('text', 'proxy', NO_DISCOVERY),
  'discovery-proxy': refused('text', '', NO_DISCOVERY),
  'discovery-srv': refused('text', '', NO_DISCOVERY),
  'discovery-srv-name': refused('text', '', NO_DISCOVERY),
  'strict-reconfig-check': without('switch', 'true', ONE),
  'pre-vote': without('switch', 'false', ONE),
  'auto-compaction-retention': done('text', '0', 'history that is kept; 0: all'),
  'auto-compaction-mode': done(
    'text',
    'periodic',
    "'periodic': retention is a duration (5: hours); 'revision': a count",
  ),
  'enable-v2': refused('switch', 'false', NO_V2),
};

const security: Group = {
  'cert-file': done('text', '', 'certificate for clients'),
  'key-file': done('text', '', 'its key'),
  'client-cert-auth': done('switch', 'false', 'clients must show a certificate'),
  'client-crl-file': done('text', '', 'certificates that were revoked'),
  'client-cert-allowed-hostname': done('list', '', "names; a client's certificate must be for one of them"),
  'trusted-ca-file': done('text', '', "the authority of the clients' certificates, which they then must show"),
  'auto-tls': done('switch', 'false', 'TLS with a certificate that is made here'),
  'peer-cert-file': without('text', '', NO_PEERS),
  'peer-key-file': without('text', '', NO_PEERS),
  'peer-client-cert-auth': without('switch', 'false', NO_PEERS),
  'peer-trusted-ca-file': without('text', '', NO_PEERS),
  'peer-cert-allowed-cn': without('text', '', NO_PEERS),
  'peer-cert-allowed-hostname': without('text', '', NO_PEERS),
  'peer-auto-tls': without('switch', 'false', NO_PEERS),
  'peer-crl-file': without('text', '', NO_PEERS),
  'cipher-suites': done('list', '', "Go's names of the ciphers that are spoken, for TLS 1.2"),
  cors: done('list', '*', 'origins of web pages that may call (none)'),
  'host-whitelist': done(
    'list',
    '*',
    'names under which it may be called without TLS (on a loopback address those of it)',
  ),
};

const auth: Group = {
  'auth-token': done('text', 'simple', "'simple', or 'jwt,sign-method=...,priv-key=...,pub-key=...,ttl=...'"),
  'bcrypt-cost': done('number', '10', 'how dear a password is, from 4 to 31'),
  'auth-token-ttl': done('number', '300', 'seconds that a simple token holds'),
};

const monitoring: Group = {
  'enable-pprof': without('switch', 'false', "these are profiles of Go: start it with node's --cpu-prof"),
  metrics: without('text', 'basic', 'all there is is told, either way'),
  'listen-metrics-urls': done('urls', '', 'further addresses for metrics and health'),
};

const logging: Group = {
  logger: done('text', 'capnslog', "'zap' for JSON lines, or 'capnslog'"),
  'log-outputs': done('list', 'default', "'stderr', 'stdout' or files, separated by commas"),
  'log-level': done('text', 'info', 'debug, info, warn, error, panic or fatal'),
  debug: done('switch', 'false', 'as --log-level=debug'),
  'log-package-levels': without('text', '', 'there is one level for all'),
  'log-output': done('list', 'default', 'the old name of --log-outputs'),
};

const proxies: Group = {
  proxy: refused('text', 'off', NO_PROXY),
  'proxy-failure-wait': without('number', '5000', NO_PROXY),
  'proxy-refresh-interval': without('number', '30000', NO_PROXY),
  'proxy-dial-timeout': without('number', '1000', NO_PROXY),
  'proxy-write-timeout': without('number', '5000', NO_PROXY),
  'proxy-read-timeout': without('number', '0', NO_PROXY),
};

const experimental: Group = {
  'experimental-initial-corrupt-check': without('switch', 'false', 'there is nobody to compare with'),
  'experimental-corrupt-check-time': without('duration', '0s', 'there is nobody to compare with'),
  'experimental-enable-v2v3': refused('text', '', NO_V2),
  'experimental-backend-bbolt-freelist-type': without('text', 'array', 'the free list is written as an array'),
  'experimental-enable-lease-checkpoint': without(
    'switch',
    'false',
    'a lease that was renewed starts anew with a restart',
  ),
  'experimental-enable-lease-checkpoint-persist': without(
    'switch',
    'false',
    'as --experimental-enable-lease-checkpoint',
  ),
  'experimental-compaction-batch-limit': without('number', '1000', 'batches are as long as others can wait'),
  'experimental-peer-skip-client-san-verification': without('switch', 'false', NO_PEERS),
  'experimental-watch-progress-notify-interval': done('duration', '10m', 'how often watchers hear how far they are'),
  'experimental-warning-apply-duration': done('duration', '100ms', 'requests that take longer are logged'),
};

const unsafe: Group = {
  'force-new-cluster': without('switch', 'false', 'it is a cluster of one at every start'),
  'unsafe-no-fsync': without('switch', 'false', 'what was acknowledged is durable, always'),
};

const others: Group = {
  'config-file': done('text', '', 'a file of YAML or JSON with the flags; others do not count then'),
  'enable-grpc-gateway': without('switch', 'true', 'the JSON gateway is always there'),
  version: done('switch', 'false', 'tells the version'),
};

export const groups: Readonly<Record<string, Group>> = {
  Member: member,
  Clustering: clustering,
  Security: security,
  Auth: auth,
  'Profiling and monitoring': monitoring,
  Logging: logging,
  'Proxy for v2': proxies,
  Experimental: experimental,
  Unsafe: unsafe,
  Others: others,
  'Newer than 3.4': newer,
};

export const flags: ReadonlyMap<string, Flag> = new Map(
  Object.values(groups).flatMap((group) => Object.entries(group)),
);

/** Flags of etcd 2 that etcd 3.4 still takes, and says that they do nothing. */
export const ignoredFlags: ReadonlySet<string> = new Set([
  'cluster-active-size',
  'cluster-remove-delay',
  'cluster-sync-interval',
  'config',
  'force',
  'max-result-buffer',
  'max-retry-attempts',
  'peer-heartbeat-interval',
  'peer-election-timeout',
  'retry-interval',
  'snapshot',
  'v',
  'vv',
]);
