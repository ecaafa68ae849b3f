/**
 * The Lease service. Leases are the lessor's; without one, nobody is granted any.
 *
 * SVLS1  A keep-alive answer's revision was taken before the lease was renewed: the lease was alive at it (L83).
 * SVLS2  Requests of one keep-alive stream are answered in their order; a lease that has run out holds up those behind it until it
 *     is gone (L75). What comes in meanwhile is bounded by the transport. Each has its turn among the requests of others (R99).
 * SVLS3  A keep-alive is held to the rights of its moment: a stream that was allowed ends when its token does.
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
import { permitLease } from '../auth/permits.ts';
import { NOBODY, type Caller } from '../auth/tokens.ts';
import type { Turns } from '../fair/turns.ts';
import { method, type AnyCall, type Calls } from '../rpc/calls.ts';
import { requestsOf, room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';
import { GRANT_COST } from '../state/quota.ts';
import { codeOf, failures } from '../status.ts';
import { encodeLeaseAnswer, type LeaseAnswer } from '../wire/lease-answers.ts';

export function registerLease(calls: Calls, state: ServerState, service: LeaseService, turns: Turns): void {
  const write = (answer: LeaseAnswer): Buffer => encodeLeaseAnswer(state.header, answer);
  const { leaseGrant, leaseKeepAlive } = leaseService;
  calls.unary({ path: leaseGrant.path, read: leaseGrant.requestDeserialize, write }, (request, call) =>
    service.grant(request, call),
  );
  calls.unary(method(leaseService.leaseRevoke), (request, call) => service.revoke(request, call));
  calls.unary(method(leaseService.leaseTimeToLive), (request, call) => service.timeToLive(request, call));
  calls.unary(method(leaseService.leaseLeases), (_request, call) => service.leases(call));
  calls.bidi({ path: leaseKeepAlive.path, read: leaseKeepAlive.requestDeserialize, write }, async (call) => {
    for await (const request of requestsOf<LeaseKeepAliveRequest>(call)) {
      await turns.turn(() => call.getPeer());
      if (call.cancelled) return;
      call.write(await service.keepAlive(request.ID, call));
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

/** What the Lease service does, for a caller that the call speaks for. */
export class LeaseService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async grant({ ID: id, TTL: ttl }: LeaseGrantRequest, call: AnyCall): Promise<LeaseAnswer> {
    const { alarms, auth, lessor, quota, writes } = this.#state;
    if (!quota.fits(GRANT_COST)) await quota.refuse();
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    const lease = await writes.run(() => {
      auth.checkKnown(caller);
      alarms.check(true);
      if (lessor === undefined) throw failures.leaseNotFound();
      return lessor.grant(ttlOf(ttl), id === 0n ? undefined : id);
    });
    return { revision: this.#state.store.rev(), id: lease.id, ttl: lease.ttl };
  }

  async revoke({ ID: id }: LeaseRevokeRequest, call: AnyCall): Promise<LeaseRevokeResponse> {
    const { alarms, auth, lessor, writes } = this.#state;
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    await writes.run(() => {
      alarms.check(false);
      this.#permit(caller, id, 'write');
      if (lessor === undefined) throw failures.leaseNotFound();
      lessor.revoke(id);
    });
    return create(LeaseRevokeResponseSchema, { header: this.#header() });
  }

  async keepAlive(id: bigint, call: AnyCall): Promise<LeaseAnswer> {
    const { auth, lessor } = this.#state;
    if (auth.enabled) this.#permit(await auth.caller(call), id, 'write');
    const revision = this.#state.store.rev();
    let ttl = 0;
    try {
      ttl = (await lessor?.renew(id)) ?? 0;
    } catch (error) {
      if (codeOf(error) !== 'LEASE_NOT_FOUND') throw error;
    }
    return { revision, id, ttl };
  }

  async timeToLive(
    { ID: id, keys: wantsKeys }: LeaseTimeToLiveRequest,
    call: AnyCall,
  ): Promise<LeaseTimeToLiveResponse> {
    const { auth, lessor } = this.#state;
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    if (wantsKeys) this.#permit(caller, id, 'read');
    else auth.checkKnown(caller);
    const header = this.#header();
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

  async leases(call: AnyCall): Promise<LeaseLeasesResponse> {
    const { auth, lessor } = this.#state;
    const all = lessor?.list() ?? [];
    if (auth.enabled) {
      const caller = await auth.caller(call);
      auth.checkKnown(caller);
      for (const { id } of all) this.#permit(caller, id, 'read');
    }
    const leases = all.map(({ id }) => create(LeaseStatusSchema, { ID: id }));
    return create(LeaseLeasesResponseSchema, { header: this.#header(), leases });
  }

  /** @throws StatusError for a stranger, and for who may not do it to a key of the lease */
  #permit(caller: Caller, id: bigint, to: 'read' | 'write'): void {
    const { auth, lessor } = this.#state;
    auth.checkKnown(caller);
    if (!auth.enabled || lessor?.lookup(id) === undefined || lessor.keys(id).length === 0) return;
    permitLease(auth.rightsOf(caller), id, lessor, to);
  }

  #header(): ResponseHeader {
    return this.#state.header.message(this.#state.store.rev());
  }
}
