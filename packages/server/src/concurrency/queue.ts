/**
 * A queue under a name, which locks and elections are made of: who came first has its turn, until its key is gone.
 *
 *     name/<lease in hex>      one key for each lease that waits or has it; the one created first has it
 *
 * SVQU1  Everything is done through the KV service, with the credentials of the call: who may not touch the keys cannot queue.
 * SVQU2  Who waits watches the one key before its own, so a key that goes wakes one (no herd).
 * SVQU3  A call that ends while it waits takes its key back, if it is still the one that it waited with. That needs no rights:
 *     the key was put with them.
 * SVQU4  In etcd a client of its own does this, so whatever fails comes out as UNKNOWN, with its text.
 *
 * etcd: client/v3/concurrency/key.go, session.go (spec server-api.md 11). Departs: SVQU3, where etcd takes back any key under the
 * name, and none when auth is on.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
  CompareSchema,
  LeaseGrantRequestSchema,
  PutRequestSchema,
  RangeRequest_SortOrder as Order,
  RangeRequest_SortTarget as SortTarget,
  RangeRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
  type DeleteRangeRequest,
  type RangeRequest,
  type RequestOp,
} from '@varve/etcd-api';
import { status } from '@grpc/grpc-js';
import type { Event, KeyValue, RangeEnd } from '@varve/watch';
import type { KvService } from '../kv/service.ts';
import type { LeaseService } from '../lease/service.ts';
import type { AnyCall } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { failures, StatusError, toStatus } from '../status.ts';
import type { DeleteAnswer, RangeAnswer, TxnAnswer } from '../wire/kv-answers.ts';
import { LongCall } from './long-call.ts';

/** Seconds that a lease has which was made for a call that brought none. Nobody keeps it alive. */
const OWN_LEASE_TTL = 60n;
const SLASH = 0x2f;

/** How calls end that have not failed. */
const ends: ReadonlySet<number> = new Set([status.CANCELLED, status.UNAVAILABLE]);

/** A place in the queue. */
export interface Place {
  readonly key: Uint8Array;
  readonly prefix: Uint8Array;
  readonly lease: bigint;
}

/** What happened to a key. */
export interface Happened {
  readonly events: readonly Event[];
  readonly revision: number;
}

export class Queue {
  readonly #state: ServerState;
  readonly #kv: KvService;
  readonly #leases: LeaseService;
  readonly #stopped: AbortSignal;

  constructor(state: ServerState, kv: KvService, leases: LeaseService, stopped: AbortSignal) {
    this.#state = state;
    this.#kv = kv;
    this.#leases = leases;
    this.#stopped = stopped;
  }

  /** The place of a lease, 0 for a new one. It is not taken yet. */
  async place(name: Uint8Array, lease: bigint, call: LongCall): Promise<Place> {
    const prefix = prefixOf(name);
    const own = lease === 0n ? await this.ownLease(call) : lease;
    return { prefix, key: Buffer.concat([prefix, Buffer.from(own.toString(16))]), lease: own };
  }

  async ownLease(call: LongCall): Promise<bigint> {
    const { id } = await call.run((one) =>
      this.#leases.grant(create(LeaseGrantRequestSchema, { TTL: OWN_LEASE_TTL }), one),
    );
    return id;
  }

  /** Where the key was created at `revision`, 0 for a key that there is not: `then`; else: `otherwise`. */
  txn(
    key: Uint8Array,
    revision: bigint,
    then: readonly RequestOp[],
    otherwise: readonly RequestOp[],
    call: LongCall,
  ): Promise<TxnAnswer> {
    const created = create(CompareSchema, {
      key,
      target: Target.CREATE,
      result: Result.EQUAL,
      targetUnion: { case: 'createRevision', value: revision },
    });
    const message = create(TxnRequestSchema, { compare: [created], success: [...then], failure: [...otherwise] });
    const size = toBinary(TxnRequestSchema, message).length;
    return call.run((one) => this.#kv.txn({ message, size }, one));
  }

  range(request: RangeRequest, call: LongCall): Promise<RangeAnswer> {
    return call.run((one) => this.#kv.range(request, one));
  }

  delete(request: DeleteRangeRequest, call: LongCall): Promise<DeleteAnswer> {
    return call.run((one) => this.#kv.deleteRange({ message: request, size: request.key.length }, one));
  }

  /** Resolves when no key under the prefix is older than `revision`, with the revision at which that was seen. */
  async turn(prefix: Uint8Array, revision: number, call: LongCall): Promise<number> {
    const older = create(RangeRequestSchema, {
      ...underPrefix(prefix, Order.DESCEND),
      maxCreateRevision: BigInt(revision - 1),
    });
    for (;;) {
      const seen = await this.range(older, call);
      const [before] = seen.kvs;
      if (before === undefined) return seen.revision;
      for await (const { events } of this.happenings(before.key, undefined, seen.revision + 1, call)) {
        if (events.some(({ type }) => type === 'delete')) break;
      }
    }
  }

  /**
   * What happens to the keys from a revision on. Ends where history was compacted in between: look again.
   * Throws when the client has gone, or the server stops.
   */
  async *happenings(key: Uint8Array, end: RangeEnd, from: number, call: LongCall): AsyncGenerator<Happened, void> {
    const stream = this.#state.store.newWatchStream();
    const close = (): void => stream.close();
    const signals = [call.signal, this.#stopped];
    for (const one of signals) one.addEventListener('abort', close);
    try {
      stream.watch(key, end, { from });
      for (;;) {
        for (const one of signals) one.throwIfAborted();
        const response = stream.poll() ?? (await stream.next());
        for (const one of signals) one.throwIfAborted();
        if (response === undefined) throw failures.stopped();
        if (response.type === 'compacted') return;
        if (response.type === 'events') yield response;
      }
    } finally {
      for (const one of signals) one.removeEventListener('abort', close);
      close();
    }
  }

  /** Takes a key back that was created at `revision`. What is in the way of it, its lease takes out of the way. */
  async leave(key: Uint8Array, revision: number): Promise<void> {
    const { alarms, writes } = this.#state;
    const left = writes.section((txn) => {
      alarms.check(false);
      if (txn.get(key)?.createRevision === revision) txn.deleteRange(key, undefined);
    });
    await left.catch(() => undefined);
  }
}

export function prefixOf(name: Uint8Array): Uint8Array {
  return Buffer.concat([name, Buffer.of(SLASH)]);
}

/** The end of the range of all keys that begin with a prefix of `prefixOf`. */
export function endOf(prefix: Uint8Array): Uint8Array {
  return Buffer.concat([prefix.subarray(0, -1), Buffer.of(SLASH + 1)]);
}

/** The one of them that was created first, or last. */
export function underPrefix(prefix: Uint8Array, sortOrder: Order): RangeRequest {
  return create(RangeRequestSchema, {
    key: prefix,
    rangeEnd: endOf(prefix),
    sortOrder,
    sortTarget: SortTarget.CREATE,
    limit: 1n,
  });
}

export function getOp(request: RangeRequest): RequestOp {
  return create(RequestOpSchema, { request: { case: 'requestRange', value: request } });
}

export function putOp(key: Uint8Array, value: Uint8Array, lease: bigint): RequestOp {
  const put = create(PutRequestSchema, { key, value, lease });
  return create(RequestOpSchema, { request: { case: 'requestPut', value: put } });
}

/** The first record that the operation has found. */
export function firstOf(answer: TxnAnswer, index: number): KeyValue | undefined {
  const response = answer.responses[index];
  return response?.type === 'range' ? response.kvs[0] : undefined;
}

/** Runs it as if a client had called: what fails is UNKNOWN, but for the end of the call or of the server (SVQU4). */
export async function asClient<T>(call: AnyCall, run: (call: LongCall) => Promise<T>): Promise<T> {
  try {
    return await run(new LongCall(call));
  } catch (error) {
    const { code, details } = toStatus(error);
    if (ends.has(code)) throw error;
    throw new StatusError(status.UNKNOWN, details, { cause: error });
  }
}
