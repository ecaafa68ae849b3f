/**
 * A lease of the store in this process, as its holder has it.
 *
 * HLD2  The signal aborts once, in this package's words, however the lease ends; automatic renewing ends with it.
 * HLD3  A renewal that fails for another reason than the end of the lease is tried again: only time ends a lease.
 * HLD4  The lease knows of a holder only that asked for its signal or for renewing: one that is taken up again and again, as by each
 *     request of a session, leaves nothing behind (law 9).
 */
import { KvError, type Lease, type RevokeResult, type SignalOptions } from '@varve/api';
import { checkSignalOptions, leaseText, leaveLease, LeaseLife } from '@varve/api/implement';
import { onAbort, until } from '@varve/base/abort';
import type { Lessor } from '@varve/lease';
import type { Core } from './core.ts';
import { section } from './section.ts';

export class StoreLease implements Lease {
  readonly id: string;
  readonly ttl: number;
  readonly #core: Core;
  readonly #lease: bigint;
  readonly #life: LeaseLife;
  #follows = false;

  constructor(core: Core, { id, ttl }: { readonly id: bigint; readonly ttl: number }, keepAlive: boolean) {
    this.id = leaseText(id);
    this.ttl = ttl;
    this.#core = core;
    this.#lease = id;
    this.#life = new LeaseLife(core.world.clock.after);
    if (!keepAlive) return;
    this.#follow();
    this.#life.keepRenewing(ttl, () => this.#lessor.renew(id));
  }

  get signal(): AbortSignal {
    this.#follow();
    return this.#life.signal;
  }

  keepAlive(options: SignalOptions = {}): Promise<number> {
    const core = this.#core;
    return core.call(async () => {
      checkSignalOptions(options);
      // What renewing may write is no part of a section under way.
      if (core.inside) await Promise.resolve();
      // Throws: nothing can be written there.
      if (core.backend.readOnly) core.write(() => undefined);
      return until(this.#lessor.renew(this.#lease), options.signal);
    });
  }

  remaining(options: SignalOptions = {}): Promise<number> {
    return this.#core.call(() => {
      checkSignalOptions(options);
      return Math.max(0, this.#lessor.lookup(this.#lease)?.remaining ?? 0);
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
      this.#life.end(new KvError('LEASE_NOT_FOUND', `the lease ${this.id} was revoked`));
      return { revision, deleted: value };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.stopRenewing();
    await leaveLease(() => this.revoke(), ['BACKEND_READ_ONLY']);
  }

  /** Loaded for whoever has a lease. */
  get #lessor(): Lessor {
    return this.#core.leases.loaded!;
  }

  /** Learns of the end (HLD4). */
  #follow(): void {
    if (this.#follows || this.#life.over) return;
    this.#follows = true;
    try {
      const lost = this.#lessor.signal(this.#lease);
      const end = (): void => this.#life.end(this.#core.inOwnWords(lost.reason));
      if (lost.aborted) end();
      else onAbort(lost, end);
    } catch (error) {
      // Over before its grant was durable.
      this.#life.end(this.#core.inOwnWords(error));
    }
  }
}
