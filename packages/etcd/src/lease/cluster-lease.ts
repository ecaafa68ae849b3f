/**
 * A lease of a cluster, as its holder has it.
 *
 * CLE1  Time is counted from before a renewal was sent: by the clock of this process a lease is over before the cluster can end it. Where this
 *     process renews it, its signal aborts then, without asking; where it does not, others may, so the cluster is asked first.
 * CLE2  A revocation elsewhere is seen at the next renewal, or when the time is over.
 * CLE3  A renewal that fails for another reason than the end of the lease is tried again; only time ends a lease.
 * CLE4  Timers are there only for who asked for the signal or for renewing.
 */
import { codeOf, KvError } from '@varve/api';
import type { GrantOptions, Lease, LeaseStatus, RevokeResult, SignalOptions, TakeUpOptions } from '@varve/api';
import { checkSignalOptions, leaseText, leaveLease, LeaseLife, longestWaitMs, planGrant } from '@varve/api/implement';
import type { Core } from '../core.ts';
import { grantLease, leaseIds, lookAtLease, lostLease, renewLease, revokeLease } from './lease-calls.ts';

/** How long a question about a lease whose time is over may take. */
const lastQuestionMs = 2000;

export function openLease(core: Core, options: GrantOptions | TakeUpOptions): Promise<Lease> {
  return core.call(async () => {
    const { id, ttl, keepAlive, signal } = planGrant(options);
    const before = core.world.clock.now();
    if (ttl !== undefined) {
      const granted = await core.line.enter(() => grantLease(core, ttl, id ?? 0n, signal), signal);
      return new ClusterLease(core, granted.id, granted.ttl, before + 1000 * granted.ttl, keepAlive);
    }
    // A request without ttl has an id.
    const wanted = id!;
    const found = await lookAtLease(core, wanted, { signal });
    if (found === undefined) throw lostLease(wanted);
    return new ClusterLease(core, wanted, Number(found.grantedTTL), before + 1000 * Number(found.TTL), keepAlive);
  });
}

/** How many are asked at once. */
const askedAtOnce = 16;

export function listLeases(core: Core, options: SignalOptions = {}): Promise<readonly LeaseStatus[]> {
  return core.call(async () => {
    checkSignalOptions(options);
    const { signal } = options;
    const ids = await leaseIds(core, signal);
    const found: LeaseStatus[] = [];
    for (let from = 0; from < ids.length; from += askedAtOnce) {
      const part = ids.slice(from, from + askedAtOnce);
      const answers = await Promise.all(part.map((id) => lookAtLease(core, id, { signal })));
      for (const [i, id] of part.entries()) {
        const answer = answers[i];
        if (answer === undefined) continue;
        const remaining = Math.max(0, Number(answer.TTL));
        found.push({ id: leaseText(id), ttl: Number(answer.grantedTTL), remaining });
      }
    }
    return found.toSorted((a, b) => a.remaining - b.remaining);
  });
}

class ClusterLease implements Lease {
  readonly id: string;
  readonly ttl: number;
  readonly #core: Core;
  readonly #lease: bigint;
  readonly #life: LeaseLife;
  readonly #renews: boolean;
  /** When it is over by the clock of this process. */
  #over: number;
  #follows = false;
  #disarmEnd: (() => void) | undefined;

  constructor(core: Core, id: bigint, ttl: number, over: number, renews: boolean) {
    this.id = leaseText(id);
    this.ttl = ttl;
    this.#core = core;
    this.#lease = id;
    this.#over = over;
    this.#renews = renews;
    this.#life = new LeaseLife(core.world.clock.after);
    if (!renews) return;
    this.#follow();
    this.#life.keepRenewing(ttl, (thirdMs) => this.#renew(undefined, Math.max(thirdMs, 500)));
  }

  get signal(): AbortSignal {
    this.#follow();
    return this.#life.signal;
  }

  keepAlive(options: SignalOptions = {}): Promise<number> {
    return this.#core.call(async () => {
      checkSignalOptions(options);
      return this.#renew(options.signal);
    });
  }

  remaining(options: SignalOptions = {}): Promise<number> {
    return this.#core.call(async () => {
      checkSignalOptions(options);
      const found = await lookAtLease(this.#core, this.#lease, { signal: options.signal });
      return Math.max(0, Number(found?.TTL ?? 0n));
    });
  }

  revoke(options: SignalOptions = {}): Promise<RevokeResult> {
    const core = this.#core;
    return core.call(() => {
      checkSignalOptions(options);
      const { signal } = options;
      return core.line.enter(async () => {
        // etcd does not tell how many keys went: they are counted right before.
        const found = await lookAtLease(core, this.#lease, { keys: true, signal });
        const answer = await revokeLease(core, this.#lease, signal);
        this.#end(new KvError('LEASE_NOT_FOUND', `the lease ${this.id} was revoked`));
        return { revision: Number(answer.header?.revision ?? 0n), deleted: found?.keys.length ?? 0 };
      }, signal);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await leaveLease(() => this.revoke(), ['KV_UNAVAILABLE']);
  }

  async #renew(signal: AbortSignal | undefined, timeoutMs?: number): Promise<number> {
    const { clock } = this.#core.world;
    const before = clock.now();
    try {
      const seconds = await renewLease(this.#core, this.#lease, signal, timeoutMs);
      this.#over = before + 1000 * seconds;
      if (this.#follows) this.#armEnd();
      return seconds;
    } catch (error) {
      if (codeOf(error) === 'LEASE_NOT_FOUND') this.#end(error);
      throw error;
    }
  }

  /** Learns of the end (CLE4). */
  #follow(): void {
    if (this.#follows || this.#life.over) return;
    this.#follows = true;
    this.#core.ends.add(this.#end);
    this.#armEnd();
  }

  readonly #end = (reason: unknown): void => {
    this.#stop();
    this.#core.ends.delete(this.#end);
    this.#life.end(reason);
  };

  #armEnd(): void {
    this.#disarmEnd?.();
    const { clock } = this.#core.world;
    const wait = Math.min(longestWaitMs, Math.max(0, this.#over - clock.now()));
    this.#disarmEnd = clock.after(wait, () => void this.#timeIsOver());
  }

  async #timeIsOver(): Promise<void> {
    const { clock } = this.#core.world;
    if (clock.now() < this.#over) {
      this.#armEnd();
      return;
    }
    if (!this.#renews) {
      try {
        const before = clock.now();
        const found = await lookAtLease(this.#core, this.#lease, { timeoutMs: lastQuestionMs });
        if (found !== undefined) {
          // It is renewed elsewhere, or is about to end.
          this.#over = before + Math.max(1000 * Number(found.TTL), 100);
          if (!this.#life.over) this.#armEnd();
          return;
        }
      } catch {
        // Nobody says that it is there.
      }
    }
    this.#end(lostLease(this.#lease));
  }

  #stop(): void {
    this.#life.stopRenewing();
    this.#disarmEnd?.();
    this.#disarmEnd = undefined;
  }
}
