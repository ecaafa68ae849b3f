/**
 * Puts a server together over layers that are open, and takes it apart again.
 *
 *     const server = await createServer(layers);       port 0: a free one
 *     server.url                                       http://127.0.0.1:41327
 *     await server.close();                            the layers stay open
 *
 * SVCR1  When the promise resolves, the first call is answered.
 * SVCR2  Closing loses nothing that was acknowledged: calls that have begun are answered first, for `graceMs` at the most.
 */
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { readAuthOptions, type AuthServerOptions } from './auth/auth-options.ts';
import { registerAuth } from './auth/service.ts';
import { after } from './clock.ts';
import { registerCluster } from './cluster/service.ts';
import { registerElection } from './concurrency/election.ts';
import { registerLock } from './concurrency/lock.ts';
import { Queue } from './concurrency/queue.ts';
import { Turns } from './fair/turns.ts';
import { Gateway } from './gateway/gateway.ts';
import { Origins, type OriginOptions } from './gateway/origins.ts';
import { registerHealth } from './health/service.ts';
import { KvService, registerKv } from './kv/service.ts';
import type { Layers } from './layers.ts';
import { LeaseService, registerLease } from './lease/service.ts';
import { Limits, type LimitOptions } from './limits.ts';
import { registerMaintenance } from './maintenance/service.ts';
import { Probes } from './probes/probes.ts';
import { registerReflection } from './reflection/service.ts';
import { Calls } from './rpc/calls.ts';
import type { SlowCall } from './rpc/slow-call.ts';
import { ServerState } from './server-state.ts';
import { Front, type Pages } from './transport/front.ts';
import { httpStreams } from './transport/http2.ts';
import { onStreams } from './transport/http2-servers.ts';
import type { ListenAddress, TlsOptions } from './transport/listen-options.ts';
import { Listener } from './transport/listener.ts';
import { urlOf } from './transport/place.ts';
import { limitPings } from './transport/ping-limit.ts';
import { socketPath } from './transport/socket-file.ts';
import { unaryStreams } from './transport/unary/unary-calls.ts';
import { limitUnheard } from './transport/unheard-streams.ts';
import { registerWatch } from './watch/service.ts';

export interface ServerOptions extends LimitOptions, AuthServerOptions, OriginOptions {
  /** The address of a network card, or a name that has one, where it listens. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** 0: a free one. @default 0 */
  readonly port?: number | undefined;
  /**
   * A Unix socket, by the path of its file, instead of `host` and `port`. Only its owner may call there. A file that a dead server has left is
   * replaced, one at which somebody answers is `SERVER_LISTEN`; `close` removes it. @default none
   */
  readonly path?: string | undefined;
  /** A socket that listens already, TCP or Unix, as the number of its descriptor: then it says where, and not the options. @default none */
  readonly fd?: number | undefined;
  /** Certificate and key, and whose clients may call; then only TLS is spoken there. @default none: without TLS */
  readonly tls?: TlsOptions | undefined;
  /** Further addresses with the same services. @default none */
  readonly also?: readonly ListenAddress[] | undefined;
  /** The member's name, when there is none yet. @default 'default' */
  readonly name?: string | undefined;
  /** Where clients are told to find this server. @default where it listens */
  readonly advertiseUrls?: readonly string[] | undefined;
  /** What the member list calls the peer addresses of a new member; nothing listens there. @default http://localhost:2380 */
  readonly peerUrls?: readonly string[] | undefined;
  /** With it, the ids of a new member and its cluster follow from `peerUrls` and this, as etcd's. @default drawn at random */
  readonly clusterToken?: string | undefined;
  /** The version of etcd that clients are told, and choose their ways by. @default '3.6.0' */
  readonly version?: string | undefined;
  /** Told of every read and write that took longer than `slowCallMs`; must not throw. @default nobody */
  readonly onSlowCall?: ((call: SlowCall) => void) | undefined;
  /** How long closing waits for calls that have begun. @default 5000 */
  readonly graceMs?: number | undefined;
}

export interface EtcdServer extends AsyncDisposable {
  /** Where it listens, as it was given; '' of a Unix socket. */
  readonly host: string;
  /** The port that it has, also where 0 was given; 0 of a Unix socket. */
  readonly port: number;
  /** The file of a Unix socket, absolute; '' where one was handed over and the system does not tell. Undefined: it is none. */
  readonly path: string | undefined;
  /** Such as `http://127.0.0.1:2379`, or `unix:///run/varve/varve.sock`; `etcdctl --endpoints` takes both. */
  readonly url: string;
  /** Ends streams, answers what has begun, and lets nobody in. Idempotent. The layers stay open. */
  close(): Promise<void>;
}

/**
 * Serves etcd's API over the layers.
 * @throws ServerError `SERVER_LISTEN`, `SERVER_DATA`; RangeError, TypeError for options
 */
export async function createServer(layers: Layers, options: ServerOptions = {}): Promise<EtcdServer> {
  checkLayers(layers);
  checkNames(options);
  const limits = new Limits(options);
  const { tls, graceMs = 5000 } = options;
  const first = { ...addressOf(options), fd: options.fd };
  const more = (options.also ?? []).map(addressOf);
  const member = { name: options.name ?? 'default', peerUrls: options.peerUrls, token: options.clusterToken };
  const { version = '3.6.0' } = options;
  const state = await ServerState.load(layers, limits, { member, version, auth: await readAuthOptions(options) });
  const grpc = new GrpcServer({
    'grpc.max_receive_message_length': limits.messageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.concurrentStreams,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
  });
  const calls = new Calls(grpc, { ms: limits.slowCallMs, tell: options.onSlowCall }, limits.fields);
  const kv = new KvService(state);
  registerKv(calls, state, kv);
  const turns = new Turns();
  registerWatch(calls, state, turns);
  const leases = new LeaseService(state);
  registerLease(calls, state, leases, turns);
  registerMaintenance(calls, state);
  registerCluster(calls, state);
  registerAuth(calls, state);
  const queue = new Queue(state, kv, leases, calls.stopped);
  registerLock(calls, state, queue);
  registerElection(calls, state, queue);
  registerHealth(calls);
  registerReflection(calls);
  const probes = new Probes(state, calls);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  limitPings(grpc, limits.minPingIntervalMs);
  const gateway = new Gateway(calls, limits, turns);
  const origins = new Origins(options, options.advertiseUrls ?? []);
  const pages: Pages = (method, path) => probes.page(method, path);
  const front = new Front(gateway, pages, origins, turns);
  const probesFront = new Front(undefined, pages, origins, turns);
  const { messageBytes, requestTimeoutMs: patienceMs } = limits;
  const unary = unaryStreams((path) => calls.unaryAt(path), { messageBytes, requestTimeoutMs: patienceMs, turns });
  onStreams(grpc, [limitUnheard(grpc), unary, httpStreams(front)], turns);
  const listeners: Listener[] = [];
  const parts = { listeners, calls, grpc, gateway };
  try {
    for (const { probesOnly, ...address } of [first, ...more]) {
      const { connections, handshakeTimeoutMs, requestTimeoutMs } = limits;
      const place = { ...address, connections, handshakeTimeoutMs, requestTimeoutMs };
      const served = probesOnly ? { front: probesFront } : { front, grpc: injector };
      listeners.push(await Listener.open(served, place));
    }
  } catch (error) {
    await shutDown(parts, 0);
    await state.auth.close();
    throw error;
  }
  const found = listeners[0]!.place;
  // The name that was given, and not what it was found to be.
  const place = options.fd === undefined && found.path === undefined ? { ...found, host: first.host } : found;
  const url = urlOf(place, tls !== undefined);
  state.clientUrls = options.advertiseUrls ?? [url];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= shutDown(parts, graceMs).finally(() => state.auth.close()));
  return { ...place, url, close, [Symbol.asyncDispose]: close };
}

/** The names of `ServerOptions`; as an object, so that the compiler sees one that is missing. */
const optionNames: Readonly<Record<keyof ServerOptions, true>> = {
  host: true,
  port: true,
  path: true,
  fd: true,
  tls: true,
  also: true,
  name: true,
  advertiseUrls: true,
  peerUrls: true,
  clusterToken: true,
  version: true,
  graceMs: true,
  onSlowCall: true,
  slowCallMs: true,
  authToken: true,
  authTokenTtl: true,
  bcryptCost: true,
  maxRequestBytes: true,
  maxTxnOps: true,
  quotaBytes: true,
  maxConcurrentStreams: true,
  maxConnections: true,
  handshakeTimeoutMs: true,
  requestTimeoutMs: true,
  maxPendingWrites: true,
  progressIntervalMs: true,
  minPingIntervalMs: true,
  keepaliveIntervalMs: true,
  keepaliveTimeoutMs: true,
  cors: true,
  hostWhitelist: true,
};

function checkNames(options: ServerOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(optionNames, name)) continue;
    const known = Object.keys(optionNames).join(', ');
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${known}`);
  }
}

/** A store for users has no layers to serve, and is what is given by mistake. */
function checkLayers(layers: Partial<Layers> | undefined): void {
  if (layers?.store !== undefined && layers.backend !== undefined) return;
  throw new TypeError('layers must have a store and a backend: openLayers of @varve/kv/layers opens them');
}

/** The address with its defaults. @throws TypeError, RangeError */
function addressOf({ host, port, path, tls, probesOnly = false }: ListenAddress): Address {
  if (path !== undefined && (host !== undefined || port !== undefined)) {
    throw new TypeError('path is instead of host and port: leave those out');
  }
  const file = path === undefined ? undefined : socketPath(path);
  return { host: host ?? '127.0.0.1', port: port ?? 0, path: file, tls, probesOnly };
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly path: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly probesOnly: boolean;
}

interface Parts {
  readonly listeners: readonly Listener[];
  readonly calls: Calls;
  readonly grpc: GrpcServer;
  readonly gateway: Gateway;
}

async function shutDown({ listeners, calls, grpc, gateway }: Parts, graceMs: number): Promise<void> {
  for (const listener of listeners) listener.close();
  calls.stop();
  await new Promise<void>((resolve) => {
    const cancel = after(graceMs, () => {
      grpc.forceShutdown();
      resolve();
    });
    grpc.tryShutdown(() => {
      void gateway.settled().then(() => {
        cancel();
        resolve();
      });
    });
  });
  for (const listener of listeners) listener.end();
}
