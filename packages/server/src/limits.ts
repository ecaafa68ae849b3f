/**
 * How large, how many, how long: what one client may cost.
 *
 * SVLI1  The size of a request is that of what a cluster would have to replicate: the message, and some bytes around it
 *     (spec server-api.md 1). It holds for writes, not for reads.
 */
import { failures } from './status.ts';

/** What etcd wraps a replicated request in, about. */
const WRAPPING_BYTES = 18;
/** Fields of a request for each operation that a list of a transaction may have: three lists, eight in each of theirs, and as much again for some that are nested. */
const FIELDS_PER_OP = 80;
const LEAST_FIELDS = 10_000;
/** What a message may have beyond the request that is in it. */
const TRANSPORT_BYTES = 512 * 1024;

export interface LimitOptions {
  /** Largest write, in bytes. @default 1_572_864 */
  readonly maxRequestBytes?: number | undefined;
  /** Operations in each list of a transaction. @default 128 */
  readonly maxTxnOps?: number | undefined;
  /** Bytes on the medium from which on writes are refused; 0: the default, negative: none. @default 2 GiB */
  readonly quotaBytes?: number | undefined;
  /** Calls that run at once on one connection; further ones wait at the client. @default 250; etcd has no limit */
  readonly maxConcurrentStreams?: number | undefined;
  /** Connections at once; further ones are closed. @default 1000 */
  readonly maxConnections?: number | undefined;
  /** How long each step of a connection's beginning may take: the handshake of TLS, saying what it speaks, the head of a request. @default 10_000 */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * How long a unary request may take to arrive whole, or the body of one over HTTP until there is something to do; and how long more
   * than 8 MiB of answers may stay unread. @default 30_000
   */
  readonly requestTimeoutMs?: number | undefined;
  /** Reads and writes that take longer are slow: they are counted, and told of. @default 100 */
  readonly slowCallMs?: number | undefined;
  /** Writes that wait at once. @default 5000 */
  readonly maxPendingWrites?: number | undefined;
  /** How often watchers that ask for it hear how far they are, at least 100. @default 600_000 */
  readonly progressIntervalMs?: number | undefined;
  /** Pings of a client that come closer than this are counted against it. @default 5000 */
  readonly minPingIntervalMs?: number | undefined;
  /** Idle connections are asked so often whether their client is there. @default 7_200_000 */
  readonly keepaliveIntervalMs?: number | undefined;
  /** How long its answer may take. @default 20_000 */
  readonly keepaliveTimeoutMs?: number | undefined;
}

export class Limits {
  readonly requestBytes: number;
  readonly txnOps: number;
  readonly quotaBytes: number;
  readonly concurrentStreams: number;
  readonly connections: number;
  readonly handshakeTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly slowCallMs: number;
  readonly pendingWrites: number;
  readonly progressIntervalMs: number;
  readonly minPingIntervalMs: number;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;

  /** @throws RangeError, TypeError */
  constructor(options: LimitOptions) {
    this.requestBytes = whole('maxRequestBytes', options.maxRequestBytes ?? 1_572_864, 1);
    this.txnOps = whole('maxTxnOps', options.maxTxnOps ?? 128, 1);
    this.quotaBytes = whole('quotaBytes', options.quotaBytes ?? 0, Number.MIN_SAFE_INTEGER);
    this.concurrentStreams = whole('maxConcurrentStreams', options.maxConcurrentStreams ?? 250, 1);
    this.connections = whole('maxConnections', options.maxConnections ?? 1000, 1);
    this.handshakeTimeoutMs = whole('handshakeTimeoutMs', options.handshakeTimeoutMs ?? 10_000, 1);
    this.requestTimeoutMs = whole('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1);
    this.slowCallMs = whole('slowCallMs', options.slowCallMs ?? 100, 0);
    this.pendingWrites = whole('maxPendingWrites', options.maxPendingWrites ?? 5000, 1);
    this.progressIntervalMs = Math.max(100, whole('progressIntervalMs', options.progressIntervalMs ?? 600_000, 1));
    this.minPingIntervalMs = whole('minPingIntervalMs', options.minPingIntervalMs ?? 5000, 0);
    this.keepaliveIntervalMs = whole('keepaliveIntervalMs', options.keepaliveIntervalMs ?? 7_200_000, 1);
    this.keepaliveTimeoutMs = whole('keepaliveTimeoutMs', options.keepaliveTimeoutMs ?? 20_000, 1);
  }

  /** Largest message that is read, and the size at which answers of a watch are cut where that was asked for. */
  get messageBytes(): number {
    return this.requestBytes + TRANSPORT_BYTES;
  }

  /** Fields of a request, also in its messages: each is an object in memory, however few bytes it has. */
  get fields(): number {
    return Math.max(LEAST_FIELDS, this.txnOps * FIELDS_PER_OP);
  }

  /** @param bytes of the message @throws StatusError */
  checkSize(bytes: number): void {
    if (bytes + WRAPPING_BYTES > this.requestBytes) throw failures.requestTooLarge();
  }
}

function whole(name: string, value: number, least: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${name}: not a whole number of at least ${least}`);
  return value;
}
