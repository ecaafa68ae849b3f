/**
 * One member of the cluster: a connection, and calls over it.
 *
 * MBR1  A call has a deadline and ends with its signal: what is cancelled here is cancelled there.
 * MBR2  Nothing is tried again here: a failure comes out as grpc-js tells it, for who knows what it means.
 * MBR3  Where nothing is under way the connection keeps no process alive (grpc-js). A watch that is open does.
 *
 * etcd: clientv3/client.go (dialing). Departs: each member has a channel of its own; which one is asked is decided above.
 */
import {
  Client,
  Metadata,
  type ChannelCredentials,
  type ClientDuplexStream,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { onAbort } from '@varve/base/abort';
import type { Clock } from '@varve/base/clock';

/** What goes with a call. */
export interface Bearing {
  readonly token: string | undefined;
  /** The member must know a leader: else it says so at once, and a stream ends when it loses it. */
  readonly leader: boolean;
}

export interface UnaryOptions extends Bearing {
  readonly timeoutMs: number;
  /** Each ends the call. */
  readonly signals: readonly (AbortSignal | undefined)[];
}

export interface Dialing {
  readonly credentials: ChannelCredentials;
  readonly serverName: string | undefined;
}

/** Servers count pings that come more often than each 5 seconds as abuse. */
const PING_MS = 6000;
const PING_TIMEOUT_MS = 3000;

export class Member {
  /** `host:port`, or `unix:/path`. */
  readonly address: string;
  /** The etcd it takes itself for; known after the first status. */
  version: string | undefined;
  readonly #client: Client;
  readonly #clock: Clock;

  constructor(address: string, { credentials, serverName }: Dialing, clock: Clock) {
    this.address = address;
    this.#clock = clock;
    this.#client = new Client(address, credentials, {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': PING_MS,
      'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      // The environment does not say where a cluster is (law 11), and connections are not shared with others.
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      ...(serverName === undefined
        ? undefined
        : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
    });
  }

  unary<I, O>(method: MethodDefinition<I, O>, request: I, options: UnaryOptions): Promise<O> {
    const { path, requestSerialize, responseDeserialize } = method;
    const deadline = this.#clock.unixMs() + options.timeoutMs;
    return new Promise((resolve, reject) => {
      let letGo = (): void => undefined;
      const done = (error: ServiceError | null, answer?: O): void => {
        letGo();
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer);
      };
      const headers = metadataOf(options);
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        headers,
        { deadline },
        done,
      );
      letGo = endWith(options.signals, () => call.cancel());
    });
  }

  duplex<I, O>(method: MethodDefinition<I, O>, bearing: Bearing, timeoutMs?: number): ClientDuplexStream<I, O> {
    const { path, requestSerialize, responseDeserialize } = method;
    const limit = timeoutMs === undefined ? {} : { deadline: this.#clock.unixMs() + timeoutMs };
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(bearing), limit);
  }

  /** One message there, one back, over a stream that is ended again. */
  exchange<I, O>(method: MethodDefinition<I, O>, request: I, options: UnaryOptions): Promise<O> {
    const stream = this.duplex(method, options, options.timeoutMs);
    return new Promise((resolve, reject) => {
      let letGo = (): void => undefined;
      const done = (end: () => void): void => {
        letGo();
        end();
      };
      stream.on('data', (answer: O) => {
        done(() => resolve(answer));
        stream.cancel();
      });
      stream.on('error', (error) => done(() => reject(error)));
      stream.on('end', () =>
        done(() =>
          reject(Object.assign(new Error('no answer'), { code: 14, details: 'the stream ended without an answer' })),
        ),
      );
      letGo = endWith(options.signals, () => stream.cancel());
      stream.write(request);
      stream.end();
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** Calls `cancel` when one of the signals is aborted, also where it was before (MBR1). @returns lets the signals go */
export function endWith(signals: UnaryOptions['signals'], cancel: () => void): () => void {
  const letGo: (() => void)[] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    if (signal.aborted) cancel();
    else letGo.push(onAbort(signal, cancel));
  }
  return () => {
    for (const free of letGo.splice(0)) free();
  };
}

function metadataOf({ token, leader }: Bearing): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  if (leader) metadata.set('hasleader', 'true');
  return metadata;
}
