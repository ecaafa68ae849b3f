/**
 * The life of a lease as its holder has it: its signal, and renewing it, which ends with it. What the leases of every `Kv` share.
 *
 * LLF1  The signal aborts once, however the lease ends.
 * LLF2  A renewal that fails is tried again at its next time: only who knows of the end calls `end`.
 */
import { codeOf, type KvCode } from './errors.ts';

/** Longer waits are cut: what a timer can wait. */
export const longestWaitMs = 0x7fffffff;

/** Runs `work` once, after so many milliseconds, unless the function it returns is called first. Needs no `this`. */
export type After = (ms: number, work: () => void) => () => void;

export class LeaseLife {
  readonly #after: After;
  readonly #ended = new AbortController();
  /** Takes back the next renewal. */
  #disarm: (() => void) | undefined;

  constructor(after: After) {
    this.#after = after;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  end(reason: unknown): void {
    this.stopRenewing();
    if (!this.over) this.#ended.abort(reason);
  }

  /** Three times in `ttl` seconds, until it is over. @param renew may fail; told the milliseconds until the next time */
  keepRenewing(ttl: number, renew: (thirdMs: number) => Promise<unknown>): void {
    if (this.over) return;
    const thirdMs = Math.min(longestWaitMs, Math.floor((1000 * ttl) / 3));
    this.#disarm = this.#after(thirdMs, () => {
      const disarm = this.#disarm;
      const goOn = (): void => {
        // Whoever stopped it meanwhile has taken the place.
        if (this.#disarm === disarm) this.keepRenewing(ttl, renew);
      };
      renew(thirdMs).then(goOn, goOn);
    });
  }

  stopRenewing(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }
}

/** Revokes a lease whose holder leaves. One that is over already, or out of reach, runs out by itself. @param outOfReach codes that say so */
export async function leaveLease(revoke: () => Promise<unknown>, outOfReach: readonly KvCode[]): Promise<void> {
  try {
    await revoke();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || !['LEASE_NOT_FOUND', 'KV_CLOSED', ...outOfReach].includes(code)) throw error;
  }
}
