/**
 * Connecting: names and options checked, the first member that answers found, and who asks made known.
 *
 * CNN1  It resolves when the cluster has answered, so a wrong name, password or certificate is told here and not by the first call.
 * CNN2  Which member is asked first is drawn, so that clients spread over them.
 */
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import {
  KvError,
  type ConnectBothOptions,
  type ConnectKeyOptions,
  type ConnectOptions,
  type ConnectValueOptions,
} from '@varve/api';
import { recordsFor } from '@varve/api/implement';
import { clusterService } from '@varve/etcd-api';
import { Calls } from './channel/calls.ts';
import { Members } from './channel/members.ts';
import { ClusterKv } from './cluster-kv.ts';
import { Core } from './core.ts';
import type { EtcdKv } from './etcd-kv.ts';
import { addressOf, memberOf } from './name.ts';
import { settingsOf, type Settings } from './options.ts';

/**
 * Connects to the cluster of a name such as `etcd://a:2379,b:2379`, or `etcds:` for TLS; or to the member at a Unix socket, `etcd+unix:///path`
 * or `etcd+unixs:`.
 * @throws TypeError, RangeError `KV_INVALID` for a wrong name or option
 * @throws KvError `KV_UNAVAILABLE` when no member has answered within `timeoutMs`; `KV_DENIED` for a wrong user or password
 */
export function connect<K, V, W = V>(name: string, options: ConnectBothOptions<K, V, W>): Promise<EtcdKv<K, V, W>>;
export function connect<K extends string, V, W = V>(
  name: string,
  options: ConnectValueOptions<K, V, W>,
): Promise<EtcdKv<K, V, W>>;
export function connect<K>(name: string, options: ConnectKeyOptions<K>): Promise<EtcdKv<K>>;
// The last one: before, it would take json() for a codec of strings.
export function connect(name: string, options?: ConnectOptions): Promise<EtcdKv>;
export async function connect<K, V, W>(name: string, options: ConnectOptions<K, V, W> = {}): Promise<EtcdKv<K, V, W>> {
  const { secure, members: named } = addressOf(name);
  const settings = settingsOf(options, secure);
  // The cluster has no such limit.
  const records = recordsFor(options, Number.MAX_SAFE_INTEGER);
  const dialing = { credentials: credentialsOf(settings, secure), serverName: settings.tls?.serverName };
  const [first = 0] = settings.world.random.bytes(1);
  const calls = new Calls(new Members(named, dialing, settings.world.clock, first), settings);
  const core = new Core(calls);
  try {
    await core.present(records.keys.bounds({})).catch(passRight);
    if (settings.syncIntervalMs !== undefined) await follow(core, secure, settings.syncIntervalMs);
  } catch (error) {
    calls.close();
    throw error;
  }
  return new ClusterKv<K, V, W>(core, records, true);
}

/** Who may not read the first key has reached the cluster all the same, and is known there. */
function passRight(error: unknown): void {
  const { details = '' } = Object(error instanceof KvError && error.cause) as { readonly details?: string };
  if (!details.includes('permission denied')) throw error;
}

/** Follows the member list, now and at each interval, until it is closed. */
async function follow(core: Core, secure: boolean, intervalMs: number): Promise<void> {
  const look = async (): Promise<void> => {
    const request = { $typeName: 'etcdserverpb.MemberListRequest' as const, linearizable: false };
    const { members } = await core.calls.unary(clusterService.memberList, request, { leaderless: true });
    const found = members.filter(({ isLearner }) => !isLearner).flatMap(({ clientURLs }) => clientURLs);
    core.calls.members.follow(found.flatMap((url) => memberOf(url, secure) ?? []));
  };
  await look();
  const stop = core.world.clock.every(intervalMs, () => {
    // Who cannot be asked now is asked at the next interval.
    look().catch(() => undefined);
  });
  core.ends.add(stop);
}

function credentialsOf({ tls = {} }: Settings, secure: boolean): ChannelCredentials {
  if (!secure) return credentials.createInsecure();
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
}

function pem(text: string | Uint8Array | undefined): Buffer | null {
  // Text and bytes are copied by the same call, which is declared for each alone.
  return text === undefined ? null : Buffer.from(text as string);
}
