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
import type { Exchange } from './transport/exchange.ts';
import { Front } from './transport/front.ts';
import { shareStreams } from './transport/http2.ts';
import { Listener, type TlsOptions } from './transport/listener.ts';
import { limitPings } from './transport/ping-limit.ts';
import { takeUnaryCalls } from './transport/unary/unary-calls.ts';
import { registerWatch } from './watch/service.ts';

export interface ServerOptions extends LimitOptions, AuthServerOptions, OriginOptions {
  /** @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** 0: a free one. @default 0 */
  readonly port?: number | undefined;
  /** A TCP socket that listens already, as the number of its descriptor: then `host` and `port` are the socket's. @default none */
  readonly fd?: number | undefined;
  /** @default none: without TLS */
  readonly tls?: TlsOptions | undefined;
  /** The member's name, when there is none yet. @default 'default' */
  readonly name?: string | undefined;
  /** Where clients are told to find this server. @default where it listens */
  readonly advertiseUrls?: readonly string[] | undefined;
  /** The version of etcd that clients are told, and choose their ways by. @default '3.6.0' */
  readonly version?: string | undefined;
  /** Told of every read and write that took longer than `slowCallMs`; must not throw. @default nobody */
  readonly onSlowCall?: ((call: SlowCall) => void) | undefined;
  /** How long closing waits for calls that have begun. @default 5000 */
  readonly graceMs?: number | undefined;
}

export interface EtcdServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Such as `http://127.0.0.1:2379`. */
  readonly url: string;
  /** Ends streams, answers what has begun, and lets nobody in. Idempotent. The layers stay open. */
  close(): Promise<void>;
}

/**
 * Serves etcd's API over the layers.
 * @throws ServerError `SERVER_LISTEN`, `SERVER_DATA`; RangeError, TypeError for options
 */
export async function createServer(layers: Layers, options: ServerOptions = {}): Promise<EtcdServer> {
  checkNames(options);
  const limits = new Limits(options);
  const { tls, graceMs = 5000 } = options;
  const { name = 'default', version = '3.6.0' } = options;
  const state = await ServerState.load(layers, limits, { name, version, auth: await readAuthOptions(options) });
  const grpc = new GrpcServer({
    'grpc.max_receive_message_length': limits.messageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.concurrentStreams,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
  });
  const calls = new Calls(grpc, { ms: limits.slowCallMs, tell: options.onSlowCall });
  const kv = new KvService(state);
  registerKv(calls, state, kv);
  registerWatch(calls, state);
  const leases = new LeaseService(state);
  registerLease(calls, state, leases);
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
  takeUnaryCalls(grpc, (path) => calls.unaryAt(path), limits);
  limitPings(grpc, limits.minPingIntervalMs);
  const listenHost = options.host ?? '127.0.0.1';
  const gateway = new Gateway(calls, limits);
  const origins = new Origins(options, listenHost, options.advertiseUrls ?? []);
  const front = new Front(gateway, (method, path) => probes.page(method, path), origins);
  const handle = (exchange: Exchange): void => front.handle(exchange);
  shareStreams(grpc, handle);
  const listener = await Listener.open(injector, handle, {
    ...{ host: listenHost, port: options.port ?? 0, fd: options.fd, tls },
    connections: limits.connections,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    bodyTimeoutMs: limits.bodyTimeoutMs,
  });
  const { address, port } = listener.address;
  const host = options.fd === undefined ? listenHost : address;
  const url = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  state.clientUrls = options.advertiseUrls ?? [url];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= shutDown({ listener, calls, grpc, gateway }, graceMs).finally(() => state.auth.close()));
  return { host, port, url, close, [Symbol.asyncDispose]: close };
}

/** The names of `ServerOptions`; as an object, so that the compiler sees one that is missing. */
const optionNames: Readonly<Record<keyof ServerOptions, true>> = {
  host: true,
  port: true,
  fd: true,
  tls: true,
  name: true,
  advertiseUrls: true,
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
    if (!Object.hasOwn(optionNames, name)) throw new TypeError(`options: ${name} is not one of them`);
  }
}

interface Parts {
  readonly listener: Listener;
  readonly calls: Calls;
  readonly grpc: GrpcServer;
  readonly gateway: Gateway;
}

async function shutDown({ listener, calls, grpc, gateway }: Parts, graceMs: number): Promise<void> {
  listener.close();
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
  listener.end();
}
