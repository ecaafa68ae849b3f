/**
 * Who wants to know when a lease ends: renewals that wait, and signals. Nothing is kept for a lease that nobody asks about.
 *
 * END1  A renewal is answered once: the lease is gone, or the lessor looks again because something else has changed.
 * END2  A signal is one for all who ask for it, and aborts once, when the lease has run out by this clock or is gone.
 */
import { lost } from './errors.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Endings {
  readonly #waiters = new Map<bigint, Waiter[]>();
  readonly #signals = new Map<bigint, AbortController>();

  /** Resolves when the lease is gone, or `wake` is called. @param then called when the waiter is known */
  wait(id: bigint, then: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(id);
      if (waiters === undefined) this.#waiters.set(id, [{ resolve, reject }]);
      else waiters.push({ resolve, reject });
      then();
    });
  }

  signal(id: bigint): AbortSignal {
    let controller = this.#signals.get(id);
    if (controller === undefined) {
      controller = new AbortController();
      this.#signals.set(id, controller);
    }
    return controller.signal;
  }

  /** Whether anybody wants to know about this lease. */
  awaited(id: bigint): boolean {
    return this.#waiters.has(id) || this.#signals.has(id);
  }

  /** Ids of the leases that have a signal. */
  get signalled(): readonly bigint[] {
    return [...this.#signals.keys()];
  }

  /** These are gone; says so when everybody can see it. A failure is told by `fail`. */
  async announce(ids: readonly bigint[], visible: Promise<void>): Promise<void> {
    try {
      await visible;
    } catch {
      return;
    }
    for (const id of ids) {
      this.gone(id);
      this.lost(id);
    }
  }

  /** The lease is lost to whoever holds it. */
  lost(id: bigint, reason?: unknown): void {
    const controller = this.#signals.get(id);
    if (controller === undefined) return;
    this.#signals.delete(id);
    controller.abort(reason ?? lost(id));
  }

  /** The lease is gone, for everybody to see. */
  gone(id: bigint): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiters ?? []) waiter.resolve();
  }

  /** Renewals that wait look again. */
  wake(): void {
    for (const id of [...this.#waiters.keys()]) this.gone(id);
  }

  /** Nothing will be told any more, for this reason. */
  fail(reason: unknown): void {
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const list of waiters) for (const waiter of list) waiter.reject(reason);
    for (const id of this.signalled) this.lost(id, reason);
  }
}
