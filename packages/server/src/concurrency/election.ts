/**
 * The Election service: whoever is first in the queue leads, and says something with the value of its key.
 *
 * SVEL1  A leader is a key with the revision that it was created at: what is done in its name is done while that is still so
 *     (S210).
 * SVEL2  Observers get what leaders say in order, none twice; a leader that was there and gone while nobody looked is left out.
 *
 * etcd: server/etcdserver/api/v3election/election.go, client/v3/concurrency/election.go (spec server-api.md 11.2). Departs: Resign
 * makes no lease.
 */
import { create } from '@bufbuild/protobuf';
import {
  CampaignResponseSchema,
  DeleteRangeRequestSchema,
  electionService,
  KeyValueSchema,
  LeaderKeySchema,
  LeaderResponseSchema,
  ProclaimResponseSchema,
  RangeRequest_SortOrder as Order,
  RangeRequestSchema,
  RequestOpSchema,
  ResignResponseSchema,
  type CampaignRequest,
  type CampaignResponse,
  type LeaderKey,
  type LeaderRequest,
  type LeaderResponse,
  type ProclaimRequest,
  type ProclaimResponse,
  type RequestOp,
  type ResignRequest,
  type ResignResponse,
} from '@varve/etcd-api';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import type { Event, KeyValue } from '@varve/watch';
import { method, type Calls } from '../rpc/calls.ts';
import { room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';
import { StatusError } from '../status.ts';
import type { LongCall } from './long-call.ts';
import { asClient, endOf, firstOf, getOp, prefixOf, putOp, underPrefix, type Queue } from './queue.ts';

export function registerElection(calls: Calls, state: ServerState, queue: Queue): void {
  const service = new ElectionService(state, queue);
  const { campaign, proclaim, leader, observe, resign } = electionService;
  calls.unary(method(campaign), (request, call) => asClient(call, (long) => service.campaign(request, long)));
  calls.unary(method(proclaim), (request, call) => asClient(call, (long) => service.proclaim(request, long)));
  calls.unary(method(leader), (request, call) => asClient(call, (long) => service.leader(request, long)));
  calls.unary(method(resign), (request, call) => asClient(call, (long) => service.resign(request, long)));
  calls.serverStream(method(observe), (request, call) =>
    asClient(call, (long) => service.observe(request, long, call)),
  );
}

type Answers = ServerWritableStream<LeaderRequest, LeaderResponse>;

const notLeader = (): StatusError => new StatusError(status.UNKNOWN, 'election: not leader');

class ElectionService {
  readonly #state: ServerState;
  readonly #queue: Queue;

  constructor(state: ServerState, queue: Queue) {
    this.#state = state;
    this.#queue = queue;
  }

  async campaign({ name, lease, value }: CampaignRequest, call: LongCall): Promise<CampaignResponse> {
    const queue = this.#queue;
    const place = await queue.place(name, lease, call);
    const { key, prefix } = place;
    const own = getOp(create(RangeRequestSchema, { key }));
    const answer = await queue.txn(key, 0n, [putOp(key, value, place.lease)], [own], call);
    const before = firstOf(answer, 0);
    const since = answer.succeeded ? answer.revision : (before?.createRevision ?? 0);
    try {
      if (!answer.succeeded && Buffer.compare(before?.value ?? value, value) !== 0) {
        await this.#say(key, BigInt(since), value, place.lease, call);
      }
      await queue.turn(prefix, since, call);
    } catch (error) {
      await queue.leave(key, since);
      throw error;
    }
    return create(CampaignResponseSchema, {
      header: this.#state.header.message(answer.revision),
      leader: create(LeaderKeySchema, { name, key, rev: BigInt(since), lease: place.lease }),
    });
  }

  async proclaim({ leader, value }: ProclaimRequest, call: LongCall): Promise<ProclaimResponse> {
    const { key, rev, lease } = given(leader);
    const own = lease === 0n ? await this.#queue.ownLease(call) : lease;
    const revision = await this.#say(key, rev, value, own, call);
    return create(ProclaimResponseSchema, { header: this.#state.header.message(revision) });
  }

  async resign({ leader }: ResignRequest, call: LongCall): Promise<ResignResponse> {
    const { key, rev } = given(leader);
    const { revision } = await this.#queue.txn(key, rev, [deleteOp(key)], [], call);
    return create(ResignResponseSchema, { header: this.#state.header.message(revision) });
  }

  async leader({ name }: LeaderRequest, call: LongCall): Promise<LeaderResponse> {
    const { kvs, revision } = await this.#queue.range(underPrefix(prefixOf(name), Order.ASCEND), call);
    const [kv] = kvs;
    if (kv === undefined) throw new StatusError(status.UNKNOWN, 'election: no leader');
    return this.#answer(kv, revision);
  }

  async observe({ name }: LeaderRequest, call: LongCall, stream: Answers): Promise<void> {
    const prefix = prefixOf(name);
    while (!call.cancelled) {
      const seen = await this.#queue.range(underPrefix(prefix, Order.ASCEND), call);
      const found = seen.kvs[0];
      const leader = found === undefined ? await this.#firstPut(prefix, seen.revision + 1, call) : found;
      if (leader === undefined) continue;
      const revision = found === undefined ? leader.modRevision : seen.revision;
      stream.write(this.#answer(leader, revision));
      await this.#follow(leader.key, revision + 1, call, stream);
    }
  }

  /** @returns the revision at which it was said */
  async #say(key: Uint8Array, created: bigint, value: Uint8Array, lease: bigint, call: LongCall): Promise<number> {
    const { revision, succeeded } = await this.#queue.txn(key, created, [putOp(key, value, lease)], [], call);
    if (!succeeded) throw notLeader();
    return revision;
  }

  /** The first key that is put under the prefix. */
  async #firstPut(prefix: Uint8Array, from: number, call: LongCall): Promise<KeyValue | undefined> {
    for await (const { events } of this.#queue.happenings(prefix, endOf(prefix), from, call)) {
      const put = events.find(isPut);
      if (put !== undefined) return put.kv;
    }
    return undefined;
  }

  /** Sends what a leader says, until it is none any more. */
  async #follow(key: Uint8Array, from: number, call: LongCall, stream: Answers): Promise<void> {
    for await (const { events, revision } of this.#queue.happenings(key, undefined, from, call)) {
      for (const event of events) {
        if (!isPut(event)) return;
        stream.write(this.#answer(event.kv, revision));
        await room(stream);
      }
    }
  }

  #answer(kv: KeyValue, revision: number): LeaderResponse {
    return create(LeaderResponseSchema, {
      header: this.#state.header.message(revision),
      kv: create(KeyValueSchema, {
        ...{ key: kv.key, value: kv.value, lease: kv.lease, version: BigInt(kv.version) },
        createRevision: BigInt(kv.createRevision),
        modRevision: BigInt(kv.modRevision),
      }),
    });
  }
}

function isPut(event: Event): boolean {
  return event.type === 'put';
}

function given(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw new StatusError(status.UNKNOWN, '"leader" field must be provided');
  return leader;
}

function deleteOp(key: Uint8Array): RequestOp {
  const value = create(DeleteRangeRequestSchema, { key });
  return create(RequestOpSchema, { request: { case: 'requestDeleteRange', value } });
}
