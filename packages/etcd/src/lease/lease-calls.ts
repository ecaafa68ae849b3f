/** The calls about leases. A grant and a revocation are writes; renewing and asking may be done twice. */
import { KvError } from '@varve/api';
import { leaseText } from '@varve/api/implement';
import {
  leaseService,
  type LeaseGrantResponse,
  type LeaseRevokeResponse,
  type LeaseTimeToLiveResponse,
} from '@varve/etcd-api';
import type { Core } from '../core.ts';

/** @param id 0n for one that the cluster chooses */
export async function grantLease(
  core: Core,
  ttl: number,
  id: bigint,
  signal: AbortSignal | undefined,
): Promise<{ readonly id: bigint; readonly ttl: number; readonly answer: LeaseGrantResponse }> {
  const request = { $typeName: 'etcdserverpb.LeaseGrantRequest' as const, TTL: BigInt(ttl), ID: id };
  const write =
    id === 0n
      ? 'A lease that was granted holds no key, and runs out by itself.'
      : `To find out, take up the lease ${leaseText(id)}.`;
  const answer = await core.calls.unary(leaseService.leaseGrant, request, { signal, write });
  core.calls.see(answer.header);
  return { id: answer.ID, ttl: Number(answer.TTL), answer };
}

export async function revokeLease(
  core: Core,
  id: bigint,
  signal: AbortSignal | undefined,
): Promise<LeaseRevokeResponse> {
  const request = { $typeName: 'etcdserverpb.LeaseRevokeRequest' as const, ID: id };
  const write = `To find out, ask leases(): ${leaseText(id)} is there as long as it was not revoked.`;
  const answer = await core.calls.unary(leaseService.leaseRevoke, request, { signal, write });
  core.calls.see(answer.header);
  return answer;
}

/** Seconds that it has again. @throws KvError `LEASE_NOT_FOUND` */
export async function renewLease(
  core: Core,
  id: bigint,
  signal: AbortSignal | undefined,
  timeoutMs?: number,
): Promise<number> {
  const request = { $typeName: 'etcdserverpb.LeaseKeepAliveRequest' as const, ID: id };
  const { TTL } = await core.calls.exchange(leaseService.leaseKeepAlive, request, { signal, timeoutMs });
  if (TTL > 0n) return Number(TTL);
  throw lostLease(id);
}

/** What is known of it, and with `keys` how many are tied to it; `undefined` where it is over. */
export async function lookAtLease(
  core: Core,
  id: bigint,
  {
    keys = false,
    signal,
    timeoutMs,
  }: { keys?: boolean; signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
): Promise<LeaseTimeToLiveResponse | undefined> {
  const request = { $typeName: 'etcdserverpb.LeaseTimeToLiveRequest' as const, ID: id, keys };
  const answer = await core.calls.unary(leaseService.leaseTimeToLive, request, { signal, timeoutMs });
  return answer.TTL < 0n || answer.grantedTTL === 0n ? undefined : answer;
}

export async function leaseIds(core: Core, signal: AbortSignal | undefined): Promise<readonly bigint[]> {
  const request = { $typeName: 'etcdserverpb.LeaseLeasesRequest' as const };
  const { leases } = await core.calls.unary(leaseService.leaseLeases, request, { signal });
  return leases.map(({ ID }) => ID);
}

export function lostLease(id: bigint): KvError {
  return new KvError('LEASE_NOT_FOUND', `the lease ${leaseText(id)} is over: it has run out, or was revoked`);
}
