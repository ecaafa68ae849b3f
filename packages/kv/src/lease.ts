/**
 * Leases are asked for here; what their holders have is in `store-lease.ts`, which is loaded for it.
 *
 * LAK1  What is answered is durable first, with `durability: 'commit'`: a grant, a lease that was taken up, a revocation (law 1).
 */
import type { GrantOptions, Lease, LeaseStatus, SignalOptions, TakeUpOptions } from '@varve/api';
import { checkSignalOptions, leaseText, planGrant } from '@varve/api/implement';
import { until } from '@varve/base/abort';
import type { Core } from './core.ts';
import { leasing } from './late.ts';
import { section } from './section.ts';

export function openLease(core: Core, options: GrantOptions | TakeUpOptions): Promise<Lease> {
  return core.call(async () => {
    const { id, ttl, keepAlive, signal } = planGrant(options);
    if (ttl !== undefined) {
      const granted = await section(core, { signal, grants: true, prepare: loadLeases }, (_, leases) =>
        leases.grant(ttl, id),
      );
      return leaseOf(core, granted.value, keepAlive);
    }
    // A request without ttl has an id.
    const wanted = id!;
    core.leases.check(wanted);
    const found = core.leases.loaded!.lookup(wanted)!;
    if (core.durableWrites) await until(core.store.settled(), signal);
    return leaseOf(core, found, keepAlive);
  });
}

export function listLeases(core: Core, options: SignalOptions = {}): Promise<readonly LeaseStatus[]> {
  return core.call(async () => {
    checkSignalOptions(options);
    const found = core.leases.loaded?.list() ?? [];
    if (core.durableWrites) await until(core.store.settled(), options.signal);
    return found.map(({ id, ttl, remaining }) => ({ id: leaseText(id), ttl, remaining: Math.max(0, remaining) }));
  });
}

async function leaseOf(
  core: Core,
  granted: { readonly id: bigint; readonly ttl: number },
  keepAlive: boolean,
): Promise<Lease> {
  const { StoreLease } = leasing.loaded ?? (await leasing.load());
  return new StoreLease(core, granted, keepAlive);
}

/** Before the grant: a lease that nobody hears of would be left. */
function loadLeases(): Promise<void> | undefined {
  return leasing.loaded === undefined ? leasing.load().then(() => undefined) : undefined;
}
