/**
 * The Lease service. Leases are the lessor's; without one, nobody is granted any.
 *
 * SVLS1  A keep-alive answer's revision was taken before the lease was renewed: the lease was alive at it (L83).
 * SVLS2  Requests of one keep-alive stream are answered in their order; a lease that has run out holds up those behind it until it
 *     is gone (L75). What comes in meanwhile is bounded by the transport.
 *
 * etcd: server/etcdserver/api/v3rpc/lease.go (spec lease.md 7).
 */
import { create } from '@bufbuild/protobuf';
import {
  leaseService,
  LeaseLeasesResponseSchema,
  LeaseRevokeResponseSchema,
  LeaseStatusSchema,
  LeaseTimeToLiveResponseSchema,
  type LeaseGrantRequest,
  type LeaseKeepAliveRequest,
  type LeaseLeasesResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
  type ResponseHeader,
} from '@varve/etcd-api';
import { method, type Calls } from '../rpc/calls.ts';
import { requestsOf, room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';
import { GRANT_COST } from '../state/quota.ts';
import { codeOf, failures } from '../status.ts';
import { encodeLeaseAnswer, type LeaseAnswer } from '../wire/lease-answers.ts';

export function registerLease(calls: Calls, state: ServerState): void {
  const service = new LeaseService(state);
  const write = (answer: LeaseAnswer): Buffer => encodeLeaseAnswer(state.header, answer);
  const { leaseGrant, leaseKeepAlive } = leaseService;
  calls.unary({ path: leaseGrant.path, read: leaseGrant.requestDeserialize, write }, (request) =>
    service.grant(request),
  );
  calls.unary(method(leaseService.leaseRevoke), (request) => service.revoke(request));
  calls.unary(method(leaseService.leaseTimeToLive), (request) => service.timeToLive(request));
  calls.unary(method(leaseService.leaseLeases), () => service.leases());
  calls.bidi({ path: leaseKeepAlive.path, read: leaseKeepAlive.requestDeserialize, write }, async (call) => {
    for await (const request of requestsOf<LeaseKeepAliveRequest>(call)) {
      if (call.cancelled) return;
      call.write(await service.keepAlive(request.ID));
      if (call.writableNeedDrain) await room(call);
    }
  });
}

/** More than any lessor grants: whatever is larger is too large all the same. */
const TOO_LARGE_TTL = 2 ** 40;

/** Seconds, as a number that says the same about them. */
function ttlOf(ttl: bigint): number {
  if (ttl > TOO_LARGE_TTL) return TOO_LARGE_TTL;
  return ttl < 0n ? 0 : Number(ttl);
}

class LeaseService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async grant({ ID: id, TTL: ttl }: LeaseGrantRequest): Promise<LeaseAnswer> {
    const { alarms, lessor, quota, writes } = this.#state;
    if (!quota.fits(GRANT_COST)) await quota.refuse();
    const lease = await writes.run(() => {
      alarms.check(true);
      if (lessor === undefined) throw failures.leaseNotFound();
      return lessor.grant(ttlOf(ttl), id === 0n ? undefined : id);
    });
    return { revision: this.#state.store.rev(), id: lease.id, ttl: lease.ttl };
  }

  async revoke({ ID: id }: LeaseRevokeRequest): Promise<LeaseRevokeResponse> {
    const { alarms, lessor, writes } = this.#state;
    await writes.run(() => {
      alarms.check(false);
      if (lessor === undefined) throw failures.leaseNotFound();
      lessor.revoke(id);
    });
    return create(LeaseRevokeResponseSchema, { header: this.#header() });
  }

  async keepAlive(id: bigint): Promise<LeaseAnswer> {
    const revision = this.#state.store.rev();
    let ttl = 0;
    try {
      ttl = (await this.#state.lessor?.renew(id)) ?? 0;
    } catch (error) {
      if (codeOf(error) !== 'LEASE_NOT_FOUND') throw error;
    }
    return { revision, id, ttl };
  }

  async timeToLive({ ID: id, keys: wantsKeys }: LeaseTimeToLiveRequest): Promise<LeaseTimeToLiveResponse> {
    const header = this.#header();
    const { lessor } = this.#state;
    const lease = lessor?.lookup(id);
    if (lessor === undefined || lease === undefined) {
      return create(LeaseTimeToLiveResponseSchema, { header, ID: id, TTL: -1n });
    }
    return create(LeaseTimeToLiveResponseSchema, {
      header,
      ID: id,
      TTL: BigInt(Math.trunc(lease.remaining)),
      grantedTTL: BigInt(lease.ttl),
      keys: wantsKeys ? [...lessor.keys(id)] : [],
    });
  }

  async leases(): Promise<LeaseLeasesResponse> {
    const leases = (this.#state.lessor?.list() ?? []).map(({ id }) => create(LeaseStatusSchema, { ID: id }));
    return create(LeaseLeasesResponseSchema, { header: this.#header(), leases });
  }

  #header(): ResponseHeader {
    return this.#state.header.message(this.#state.store.rev());
  }
}
