/**
 * A lease of the store in this process, as its holder has it.
 *
 * HLD1  What is answered is durable first, with `durability: 'commit'`: a grant, a lease that was taken up, a revocation (law 1).
 * HLD2  The signal aborts once, in this package's words, however the lease ends; automatic renewing ends with it.
 * HLD3  A renewal that fails for another reason than the end of the lease is tried again: only time ends a lease.
 * HLD4  The lease knows of a holder only that asked for its signal or for renewing: one that is taken up again and again, as by each
 *     request of a session, leaves nothing behind (law 9).
 */
import {
  codeOf,
  KvError,
  type GrantOptions,
  type Lease,
  type LeaseStatus,
  type RevokeResult,
  type SignalOptions,
  type TakeUpOptions,
} from '@varve/api';
import { checkSignalOptions, leaseText, planGrant } from '@varve/api/implement';
import { onAbort, until } from '@varve/base/abort';
import type { Core } from './core.ts';
import { section } from './writer.ts';

export function openLease(core: Core, options: GrantOptions | TakeUpOptions): Promise<Lease> {
  return core.call(async () => {
    const { id, ttl, keepAlive, signal } = planGrant(options);
    if (ttl !== undefined) {
      const granted = await section(core, { signal }, (_, leases) => leases.grant(ttl, id));
      return new StoreLease(core, granted.value, keepAlive);
    }
    // A request without ttl has an id.
    const wanted = id!;
    core.lessor.check(wanted);
    const found = core.lessor.lookup(wanted)!;
    if (core.durableWrites) await until(core.store.settled(), signal);
    return new StoreLease(core, found, keepAlive);
  });
}

export function listLeases(core: Core, options: SignalOptions = {}): Promise<readonly LeaseStatus[]> {
  return core.call(async () => {
    checkSignalOptions(options);
    const found = core.lessor.list();
    if (core.durableWrites) await until(core.store.settled(), options.signal);
    return found.map(({ id, ttl, remaining }) => ({ id: leaseText(id), ttl, remaining: Math.max(0, remaining) }));
  });
}

/** Longer waits are cut: what a timer can wait. */
const longestWaitMs = 0x7fffffff;

class StoreLease implements Lease {
  readonly id: string;
  readonly ttl: number;
  readonly #core: Core;
  readonly #lease: bigint;
  readonly #ended = new AbortController();
  #follows = false;
  /** Takes back the next renewal. */
  #disarm: (() => void) | undefined;

  constructor(core: Core, { id, ttl }: { readonly id: bigint; readonly ttl: number }, keepAlive: boolean) {
    this.id = leaseText(id);
    this.ttl = ttl;
    this.#core = core;
    this.#lease = id;
    if (!keepAlive) return;
    this.#follow();
    this.#renewLater();
  }

  get signal(): AbortSignal {
    this.#follow();
    return this.#ended.signal;
  }

  keepAlive(options: SignalOptions = {}): Promise<number> {
    const core = this.#core;
    return core.call(async () => {
      checkSignalOptions(options);
      // What renewing may write is no part of a section under way.
      if (core.inside) await Promise.resolve();
      // Throws: nothing can be written there.
      if (core.backend.readOnly) core.write(() => undefined);
      return until(core.lessor.renew(this.#lease), options.signal);
    });
  }

  remaining(options: SignalOptions = {}): Promise<number> {
    return this.#core.call(() => {
      checkSignalOptions(options);
      return Math.max(0, this.#core.lessor.lookup(this.#lease)?.remaining ?? 0);
    });
  }

  revoke(options: SignalOptions = {}): Promise<RevokeResult> {
    const core = this.#core;
    if (core.inside) return core.refuseInside();
    return core.call(async () => {
      checkSignalOptions(options);
      const { value, revision } = await section(core, { signal: options.signal }, (_, leases) =>
        leases.revoke(this.#lease),
      );
      this.#end(new KvError('LEASE_NOT_FOUND', `the lease ${this.id} was revoked`));
      return { revision, deleted: value };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopRenewing();
    try {
      await this.revoke();
    } catch (error) {
      const code = codeOf(error);
      // Over already, or out of reach: then it runs out by itself.
      if (code !== 'LEASE_NOT_FOUND' && code !== 'KV_CLOSED' && code !== 'BACKEND_READ_ONLY') throw error;
    }
  }

  /** Learns of the end (HLD4). */
  #follow(): void {
    if (this.#follows || this.#ended.signal.aborted) return;
    this.#follows = true;
    try {
      const lost = this.#core.lessor.signal(this.#lease);
      const end = (): void => this.#end(this.#core.inOwnWords(lost.reason));
      if (lost.aborted) end();
      else onAbort(lost, end);
    } catch (error) {
      // Over before its grant was durable.
      this.#end(this.#core.inOwnWords(error));
    }
  }

  #end(reason: unknown): void {
    this.#stopRenewing();
    if (!this.#ended.signal.aborted) this.#ended.abort(reason);
  }

  #renewLater(): void {
    if (this.#ended.signal.aborted) return;
    const wait = Math.min(longestWaitMs, Math.floor((1000 * this.ttl) / 3));
    this.#disarm = this.#core.world.clock.after(wait, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const disarm = this.#disarm;
    try {
      await this.#core.lessor.renew(this.#lease);
    } catch {
      // The end of the lease comes by its signal; anything else may be over at the next attempt.
    }
    // Whoever stopped it meanwhile has taken the place.
    if (this.#disarm === disarm) this.#renewLater();
  }

  #stopRenewing(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }
}
