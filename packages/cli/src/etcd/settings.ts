/**
 * What the flags say, read and checked before anything is opened.
 *
 * EST1  Files that flags name are read here, and addresses are understood: a wrong one leaves everything as it is.
 * EST2  Where etcd would serve v2, find others or be one of several, the program ends with a word (EFL1).
 *
 * etcd: embed/config.go, Validate; etcdmain/config.go.
 */
import type { ListenAddress, ServerOptions, TlsOptions } from '@varve/server';
import { readAuthToken } from '../auth-token.ts';
import { durationMs } from '../duration.ts';
import { UsageError } from '../failures.ts';
import { readNamed } from '../serve-options.ts';
import { placesOf, readAddresses, type Address, type Place } from './addresses.ts';
import { readRetention, type Retention } from './auto-compaction.ts';
import type { LogOptions } from './etcd-log.ts';
import { flags } from './flags.ts';
import type { Given } from './read-flags.ts';
import { clientTls } from './tls.ts';

export interface Settings {
  readonly name: string;
  readonly data: string;
  readonly server: ServerOptions;
  readonly retention: Retention;
  readonly advertised: readonly string[];
  readonly places: readonly Place[];
  /** What was asked for and does nothing, each with why. */
  readonly remarks: readonly string[];
}

/** A longer timer is none. */
const NEVER_MS = 2 ** 31 - 1;

/** @throws UsageError */
export function logSettings({ values, set }: Given): LogOptions {
  const outputs = set.has('log-output') && !set.has('log-outputs') ? values['log-output'] : values['log-outputs'];
  return {
    logger: values.logger,
    level: values.debug === 'true' ? 'debug' : values['log-level'],
    outputs: [...new Set(outputs.split(',').map((output) => output.trim()))],
  };
}

/** @throws UsageError; Error for a file that cannot be read */
export function readSettings(given: Given): Settings {
  const { values, set, isFromFile } = given;
  refuseWhatIsNot(given);
  checkElections(Number(values['heartbeat-interval']), Number(values['election-timeout']));
  const { name } = values;
  const listened = readAddresses('listen-client-urls', values['listen-client-urls']);
  const places = placesOf('listen-client-urls', listened);
  if (places.length === 0) throw new UsageError('--listen-client-urls: no valid URLs given');
  // As etcd's, a file leaves the default there.
  if (!isFromFile && set.has('listen-client-urls') && !set.has('advertise-client-urls')) {
    throw new UsageError('--advertise-client-urls is required when --listen-client-urls is set explicitly');
  }
  readAddresses('listen-peer-urls', values['listen-peer-urls']);
  const advertised = hosts('advertise-client-urls', values['advertise-client-urls']);
  const peers = hosts('initial-advertise-peer-urls', values['initial-advertise-peer-urls']);
  checkCluster(name, values['initial-cluster']);
  const state = values['initial-cluster-state'];
  if (state !== 'new' && state !== 'existing') throw new UsageError(`unexpected clusterState "${state}"`);
  const data = values['data-dir'] === '' ? `${name}.etcd` : values['data-dir'];
  const tls = clientTls(values, data, places);
  const metrics = placesOf('listen-metrics-urls', readAddresses('listen-metrics-urls', values['listen-metrics-urls']));
  const [first, ...more] = places.map((place) => listenAt(place, tls, false));
  return {
    ...{ name, data, advertised, places },
    retention: readRetention(values['auto-compaction-mode'], values['auto-compaction-retention']),
    server: {
      ...{ host: first?.host, port: first?.port, path: first?.path, tls: first?.tls },
      also: [...more, ...metrics.map((place) => listenAt(place, tls, true))],
      name,
      advertiseUrls: advertised,
      peerUrls: peers,
      clusterToken: values['initial-cluster-token'],
      ...limits(values),
      ...callers(given),
    },
    remarks: withoutEffect(given),
  };
}

function refuseWhatIsNot({ values }: Given): void {
  for (const [name, { fate, initial, word }] of flags) {
    if (fate === 'refused' && values[name] !== initial && values[name] !== '')
      throw new UsageError(`--${name}=${values[name]}: ${word}`);
  }
}

function withoutEffect({ values, set, remarks }: Given): string[] {
  const lines = [...remarks];
  for (const [name, { fate, initial, word }] of flags) {
    if (fate !== 'no effect' || !set.has(name) || values[name] === initial) continue;
    lines.push(`--${name} has no effect: ${word}`);
  }
  return lines;
}

function checkElections(heartbeatMs: number, electionMs: number): void {
  if (heartbeatMs <= 0) throw new UsageError(`--heartbeat-interval must be >0 (set to ${heartbeatMs}ms)`);
  if (electionMs <= 0) throw new UsageError(`--election-timeout must be >0 (set to ${electionMs}ms)`);
  if (5 * heartbeatMs > electionMs) {
    const both = `--election-timeout[${electionMs}ms] should be at least as 5 times as --heartbeat-interval`;
    throw new UsageError(`${both}[${heartbeatMs}ms]`);
  }
  if (electionMs > 50_000) {
    throw new UsageError(`--election-timeout[${electionMs}ms] is too long, and should be set less than 50000ms`);
  }
}

/** Addresses that others are told. */
function hosts(flag: string, text: string): readonly string[] {
  const addresses: readonly Address[] = readAddresses(flag, text);
  if (addresses.length === 0) throw new UsageError(`--${flag}: no valid URLs given`);
  const empty = addresses.find(({ scheme, host }) => host === '' && (scheme === 'http' || scheme === 'https'));
  if (empty !== undefined) throw new UsageError(`--${flag} "${text}" must be "host:port" (unexpected empty host)`);
  return addresses.map((address) => address.text);
}

/** One member, and it is this one. */
function checkCluster(name: string, text: string): void {
  if (text === '') return;
  const names = new Set(text.split(',').map((part) => part.split('=')[0]!.trim()));
  if (!names.has(name)) {
    throw new UsageError(`couldn't find local name "${name}" in the initial cluster configuration`);
  }
  if (names.size > 1) {
    const advice = 'this is a cluster of one member: give --initial-cluster with this one only, or stay with etcd';
    throw new UsageError(`--initial-cluster names ${names.size} members: ${advice}`);
  }
}

function listenAt(place: Place, tls: TlsOptions | undefined, probesOnly: boolean): ListenAddress {
  const { host, port, path, plain, secure } = place;
  const at = path === undefined ? { host, port } : { path };
  if (!secure || tls === undefined) return { ...at, probesOnly };
  return { ...at, probesOnly, tls: plain ? { ...tls, plainToo: true } : tls };
}

/** Who may call, and how it says who it is. What is not given is the server's own default: it lets fewer web pages in than etcd. */
function callers({ values, set }: Given): Partial<ServerOptions> {
  const list = (flag: 'cors' | 'host-whitelist'): readonly string[] | undefined => {
    if (!set.has(flag)) return undefined;
    const names = values[flag].split(',').map((name) => name.trim());
    return names.join('') === '' ? ['*'] : names;
  };
  const bcryptCost = Number(values['bcrypt-cost']);
  if (bcryptCost < 4 || bcryptCost > 31) throw new UsageError(`--bcrypt-cost ${bcryptCost}: from 4 to 31`);
  const authTokenTtl = Number(values['auth-token-ttl']);
  if (authTokenTtl < 1) throw new UsageError(`--auth-token-ttl ${authTokenTtl}: at least 1`);
  return {
    cors: list('cors'),
    hostWhitelist: list('host-whitelist'),
    authToken: readAuthToken('--auth-token', values['auth-token'] || 'simple', (path) =>
      readNamed('--auth-token', path),
    ),
    authTokenTtl,
    bcryptCost,
  };
}

function limits(values: Given['values']): Partial<ServerOptions> {
  const ms = (name: 'grpc-keepalive-min-time' | 'grpc-keepalive-interval' | 'grpc-keepalive-timeout'): number =>
    Math.min(NEVER_MS, Math.round(durationMs(values[name]) ?? 0));
  const number = (name: 'max-request-bytes' | 'max-txn-ops' | 'max-concurrent-streams'): number => {
    const count = Number(values[name]);
    if (count < 1) throw new UsageError(`--${name} ${count}: at least 1`);
    return count;
  };
  // As etcd's: 0 leaves its own interval.
  const progressMs = durationMs(values['experimental-watch-progress-notify-interval']) || 600_000;
  return {
    slowCallMs: Math.max(0, Math.round(durationMs(values['experimental-warning-apply-duration']) ?? 0)),
    quotaBytes: Number(values['quota-backend-bytes']),
    maxRequestBytes: number('max-request-bytes'),
    maxTxnOps: number('max-txn-ops'),
    maxConcurrentStreams: Math.min(2 ** 32 - 1, number('max-concurrent-streams')),
    maxConnections: 65_536,
    minPingIntervalMs: ms('grpc-keepalive-min-time'),
    keepaliveIntervalMs: ms('grpc-keepalive-interval') || NEVER_MS,
    keepaliveTimeoutMs: ms('grpc-keepalive-timeout') || NEVER_MS,
    progressIntervalMs: Math.min(NEVER_MS, Math.max(1, Math.round(progressMs))),
  };
}
