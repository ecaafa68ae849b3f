/**
 * A lease of the source, held by way of a follower.
 *
 * FLE1  Its end can be read here once it is answered. When the follower is closed nothing can be said of it any more, and nobody renews it: the
 *       source keeps it as long as it has.
 */
import { codeOf, type Lease, type RevokeResult, type SignalOptions } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import type { FollowerCore } from './core.ts';

export class FollowerLease implements Lease {
  readonly id: string;
  readonly ttl: number;
  readonly #core: FollowerCore;
  readonly #there: Lease;
  readonly #lost = new AbortController();
  #stop: () => void = () => undefined;

  /** @param renews by itself */
  constructor(core: FollowerCore, there: Lease, renews: boolean) {
    this.id = there.id;
    this.ttl = there.ttl;
    this.#core = core;
    this.#there = there;
    const ended = there.signal.aborted ? there.signal : core.ended;
    if (ended !== undefined) {
      this.#lost.abort(ended.reason);
      return;
    }
    const letGo = onAbort(there.signal, () => this.#end(there.signal.reason));
    const closed = (): void => this.#end(core.ended?.reason);
    core.watches.add(closed);
    const stop = renews
      ? core.world.clock.every((1000 * this.ttl) / 3, () => void there.keepAlive().catch(() => undefined))
      : undefined;
    this.#stop = () => {
      letGo();
      core.watches.delete(closed);
      stop?.();
    };
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async keepAlive(options?: SignalOptions): Promise<number> {
    this.#core.check();
    return this.#there.keepAlive(options);
  }

  async remaining(options?: SignalOptions): Promise<number> {
    this.#core.check();
    return this.#there.remaining(options);
  }

  revoke(options?: SignalOptions): Promise<RevokeResult> {
    return this.#core.write(() => this.#there.revoke(options), options?.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.signal.aborted) return;
    try {
      await this.revoke();
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'LEASE_NOT_FOUND' && code !== 'KV_CLOSED') throw error;
    }
  }

  #end(reason: unknown): void {
    this.#stop();
    this.#lost.abort(reason);
  }
}
